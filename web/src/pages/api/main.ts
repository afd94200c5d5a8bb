import '../../app.css';
import { mount } from 'svelte';
import ApiPage from './ApiPage.svelte';

const target = document.getElementById('app');
if (target !== null) mount(ApiPage, { target });
