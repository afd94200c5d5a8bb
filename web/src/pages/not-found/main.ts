import '../../app.css';
import { mount } from 'svelte';
import NotFoundPage from './NotFoundPage.svelte';

const target = document.getElementById('app');
if (target !== null) mount(NotFoundPage, { target });
