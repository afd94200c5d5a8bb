import '../../app.css';
import { mount } from 'svelte';
import IndexPage from './IndexPage.svelte';

const target = document.getElementById('app');
if (target !== null) mount(IndexPage, { target });
