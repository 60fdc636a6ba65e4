namespace Sluice.Delivery;

/// <summary>Finds the key of an item that is sent.</summary>
internal static class ItemKey
{
    /// <exception cref="PayloadException">The key function of the consecutor has thrown for this item.</exception>
    public static EntryKey Of<T>(T item, Func<T, string?>? key, string consecutor)
    {
        if (key is null) return default;
        try
        {
            return key(item) is { } text ? EntryKey.Of(text) : default;
        }
        catch (Exception e)
        {
            throw new PayloadException($"An item for the consecutor {consecutor} was not accepted: its key cannot be found: "
                + (item is null ? "the item is null." : $"{e.GetType().Name}: {FailureText.MessageOf(e)}"), e);
        }
    }
}
