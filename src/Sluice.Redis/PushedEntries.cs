using System.Collections.Concurrent;

namespace Sluice.Redis;

/// <summary>
/// Entries that came with the message that wakes their reader, which so need not ask the server for them. Kept for a reader only that has just found nothing there, for one reading, and for a
/// moment: whoever reads gets nothing that is older than that.
/// </summary>
/// <remarks>Thread-safe.</remarks>
internal sealed class PushedEntries(TimeProvider time)
{
    private static readonly TimeSpan Fresh = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Forgotten = TimeSpan.FromMinutes(2);      // longer than any poll, with which a reader that waits looks anew

    private readonly ConcurrentDictionary<(string Stream, int Partition), Place> places = new();

    /// <summary>A reader has found nothing there, and may wait.</summary>
    public void Expect(string stream, int partition, long from) => places[(stream, partition)] = new(from, default, time.GetTimestamp());

    /// <summary>A message has come.</summary>
    public void Put(in ChangeMessage message)
    {
        if (!message.HasEntries || !places.TryGetValue((message.Stream, message.Partition), out Place? place) || place.Message.HasEntries || place.From != message.First) return;
        places.TryUpdate((message.Stream, message.Partition), new(place.From, message, time.GetTimestamp()), place);
    }

    /// <summary>Gives what a reader asks for, once; nothing if it was not pushed, or has got old, or is more than was asked for.</summary>
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
            return false;                            // it is a hint: the server is asked, and says what is so
        }
        result = new(entries.ToArray(), request.From + entries.Count, 0, null);
        return true;
    }

    /// <summary>Lets go of what nobody has come for.</summary>
    public void Sweep()
    {
        foreach (var (key, place) in places)
            if (time.GetElapsedTime(place.Since) > (place.Message.HasEntries ? Fresh : Forgotten)) places.TryRemove(new(key, place));
    }

    /// <summary>Messages may have been missed, or the streams are others now.</summary>
    public void Clear() => places.Clear();

    private sealed record Place(long From, ChangeMessage Message, long Since);
}
