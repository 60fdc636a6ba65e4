namespace Sluice.Delivery;

/// <summary>
/// The last item that earlier runs of a sequence have sent. The items up to it are skipped without a look; it tells whether the producer
/// still makes the same items.
/// </summary>
/// <param name="Producer">The name of the producer.</param>
/// <param name="Sent">How many items earlier runs have sent.</param>
/// <param name="Parts">How many parts of the last one were accepted: a stage in between may make several of an item.</param>
/// <param name="Sum">The checksum of the last part; null if there is nothing to compare.</param>
internal sealed record AcceptedItem(string Producer, long Sent, long Parts, uint? Sum)
{
    private const string Advice = "Skipped items that are new are not in the store. If there are any, send them under another name, or by "
        + "SendAsync.";

    /// <summary>Warns if the item that is skipped is another one than the item that was accepted.</summary>
    public void Compare<T>(T item, Appender<T> appender, Consecutor<T> consecutor)
    {
        if (Sum is not { } before) return;
        string found;
        try
        {
            uint now = appender.SumOf(item);
            if (now == before) return;
            found = $"its payload has the checksum {now:x8}, not {before:x8}";
        }
        catch (PayloadException)
        {
            found = "its payload cannot be written";
        }
        consecutor.Warn($"{Skips(consecutor.Name)} Item {Sent:N0} is another one than the item that was accepted: {found}. So the sequence "
            + $"or the type of its items has changed. {Advice}");
    }

    /// <summary>Warns that the item has fewer parts than were accepted of it.</summary>
    /// <param name="missing">How many parts are missing.</param>
    /// <param name="consecutor">The receiver.</param>
    public void Miss<T>(long missing, Consecutor<T> consecutor) => consecutor.Warn(
        $"{Skips(consecutor.Name)} {Parts:N0} part{(Parts == 1 ? "" : "s")} of item {Sent:N0} were accepted, and it has "
            + $"{Parts - missing:N0} now. So the sequence, or a stage between the producer and the consecutor, has changed. {Advice}");

    private string Skips(string consecutor) => $"The producer '{Producer}' skips the first {Sent:N0} items of its sequence, because "
        + $"earlier runs have sent {Sent:N0} items under this name to {consecutor}.";
}
