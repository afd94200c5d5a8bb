import '../../app.css';
import { mount } from 'svelte';
import RemovalPage from './RemovalPage.svelte';

const target = document.getElementById('app');
if (target !== null) mount(RemovalPage, { target });
