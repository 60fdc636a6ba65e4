using Sluice.Diagnostics;

namespace Sluice.Delivery;

/// <summary>Makes <see cref="DeadLetter"/>s out of stored dead letters.</summary>
internal static class Letters
{
    public static DeadLetter Read<T>(ConsecutorCore core, StoredDeadLetter dead)
    {
        EntryHeaders headers = EntryHeaders.Read(dead.Entry.Headers.Span);
        return new(dead.Node, ReadItem<T>(core, headers, dead.Entry.Payload), dead.Error, dead.Attempts, dead.DiedAt)
        {
            Stack = dead.Stack,
            Id = dead.Entry.ItemIdIn(core.Name, dead.Partition),
            Number = dead.Number,
            Path = dead.Path,
            AcceptedAt = dead.Entry.Time,
            CodeVersion = dead.Entry.CodeVersion,
            EntersAtNode = headers.Node is not null,
            Payload = dead.Entry.Payload,
        };
    }

    /// <summary>Reads the item of a dead letter; null if it cannot be read, which may be why it died.</summary>
    private static object? ReadItem<T>(ConsecutorCore core, EntryHeaders headers, ReadOnlyMemory<byte> payload)
    {
        var reader = new Reader(core, payload);
        if (headers.Node is not { } node) return headers.Loss is null ? reader.Read<T>() : null;
        if (headers.Timer is { } timer) return $"the timer '{timer}' of the key '{headers.Key}'";
        if (core.Nodes.Find(node) is not { } number) return null;
        ItemTracking known = core.Recorder.Following!;           // the drawing's: letters are read before the start, too
        return (headers.IsAfter ? known.Outlet(number) : known.Entrance(number))?.Accept(reader);
    }

    private sealed class Reader(ConsecutorCore core, ReadOnlyMemory<byte> payload) : IEntranceVisitor<object?>
    {
        public object? Visit<T>(Inlet<T> inlet) => Read<T>();

        public object? Read<T>()
        {
            try
            {
                return core.Options.Serializers.For<T>().Deserialize(payload.Span);
            }
            catch (Exception)
            {
                return null;
            }
        }
    }
}
