import '../../app.css';
import { mount } from 'svelte';
import BuilderPage from './BuilderPage.svelte';

const target = document.getElementById('app');
if (target !== null) mount(BuilderPage, { target });
