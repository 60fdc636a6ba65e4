using System.Collections.Concurrent;

namespace Sluice.Redis;

/// <summary>
/// Entries that arrived with the message that wakes their reader, which then needs no request to the server. Kept only for a reader that
/// has just found no entries, for one read, and for one second.
/// </summary>
/// <remarks>Thread-safe.</remarks>
internal sealed class PushedEntries(TimeProvider time)
{
    private static readonly TimeSpan Fresh = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Forgotten = TimeSpan.FromMinutes(2); // longer than any poll, after which a waiting reader reads again

    private readonly ConcurrentDictionary<(string Stream, int Partition), Place> places = new();

    /// <summary>Records that a reader has found no entries and may wait.</summary>
    public void Expect(string stream, int partition, long from) => places[(stream, partition)] = new(from, default, time.GetTimestamp());

    /// <summary>Keeps the entries of a message of this store, if a reader expects them.</summary>
    public void Put(in ChangeMessage message, string store)
    {
        if (!message.IsOf(store) || !places.TryGetValue((message.Stream, message.Partition), out Place? place) || place.Message.HasEntries
            || place.From != message.First) return;
        places.TryUpdate((message.Stream, message.Partition), new(place.From, message, time.GetTimestamp()), place);
    }

    /// <summary>Returns the entries for a request, once. False if they were not pushed, are old, or are more than requested.</summary>
    public bool TryTake(ReadRequest request, out ReadResult result)
    {
        result = default!;
        if (!places.TryRemove((request.Stream, request.Partition), out Place? place) || !place.Message.HasEntries) return false;
        if (place.From != request.From || time.GetElapsedTime(place.Since) > Fresh) return false;
        List<Entry> entries = [];
        try
        {
            EntryChunkHeader header = place.Message.Header;
            if (header.Count < 1 || header.Count > request.MaxItems || place.Message.Records.Length > request.MaxBytes) return false;
            Entries.Add(entries, header, place.Message.Records, request.Stream, request.Partition, attempt: 0);
        }
        catch (Exception damage) when (damage is StreamStoreException or ArgumentOutOfRangeException)
        {
            return false;                            // only a hint: the server is asked instead
        }
        result = new(entries.ToArray(), request.From + entries.Count, 0, null);
        return true;
    }

    /// <summary>Removes entries and expectations that are too old.</summary>
    public void Sweep()
    {
        foreach (var (key, place) in places)
            if (time.GetElapsedTime(place.Since) > (place.Message.HasEntries ? Fresh : Forgotten)) places.TryRemove(new(key, place));
    }

    /// <summary>Removes all entries, because messages may have been missed, or streams replaced.</summary>
    public void Clear() => places.Clear();

    private sealed record Place(long From, ChangeMessage Message, long Since);
}
