namespace Sluice.Dashboard.Pages;

/// <summary>Reads several stores for one page: a store that is silent or fails does not hide what the others have.</summary>
internal static class EachStore
{
    /// <summary>Reads all stores at once.</summary>
    /// <param name="stores">What was seen of the stores. Of several, those that are silent are not asked.</param>
    /// <param name="read">Reads a store.</param>
    /// <returns>What was read, in the order of the stores, and what is wrong with the others, for people.</returns>
    /// <exception cref="SluiceException">There is one store, and it has failed.</exception>
    public static async Task<(IReadOnlyList<T> Read, Markup Problems)> ReadAsync<T>(IReadOnlyList<StoreSample> stores,
        Func<StoreSource, Task<T>> read)
    {
        if (stores.Count == 1) return ([await read(stores[0].Store).ConfigureAwait(false)], Markup.None);
        var all = await Task.WhenAll(stores.Select(OneAsync)).ConfigureAwait(false);
        return ([.. all.Where(static one => one.Problem is null).Select(static one => one.Read!)],
            Markup.Join(all.Where(static one => one.Problem is not null).Select(static one => Tables.Show(new(Urgency.Warning,
                one.Problem!)))));

        async Task<(T? Read, string? Problem)> OneAsync(StoreSample store)
        {
            string nothing = $"Nothing of {store.Store.Name} is shown: ";
            if (store.IsSilent) return (default, nothing + (store.Problem ?? "it has not answered yet."));
            try
            {
                return (await read(store.Store).ConfigureAwait(false), null);
            }
            catch (Exception e) when (e is SluiceException or TimeoutException or ObjectDisposedException)
            {
                return (default, nothing + (e is ObjectDisposedException ? "it was disposed." : e.Message));
            }
        }
    }
}
