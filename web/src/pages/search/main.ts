import '../../app.css';
import { mount } from 'svelte';
import SearchPage from './SearchPage.svelte';

const target = document.getElementById('app');
if (target !== null) mount(SearchPage, { target });
