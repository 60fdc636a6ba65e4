using System.Buffers;

namespace Sluice;

/// <summary>What is kept of a root that has failed for good.</summary>
internal static class Verdict
{
    /// <summary>Whether it is to be tried again.</summary>
    public static bool ShouldReplay(ConsecutorCore core, Root root)
    {
        if (core.Options.Delivery is not { Level: DeliveryLevel.Replay } replay || root.Attempt > replay.Count) return false;
        for (PartFailure? failure = root.Failures; failure is not null; failure = failure.Next)
            if (failure.IsFinal) return false;
        return true;
    }

    /// <summary>When, and why.</summary>
    public static Deferral Defer(ConsecutorCore core, Root root)
    {
        PartFailure failure = root.Failures!;
        return new(root.EntrySequence, root.Attempt, core.Options.Delivery.Backoff.WaitBefore(root.Attempt, core.Random), failure.Cause.Node, FailureText.Of(failure.Cause.InnerException!));
    }

    /// <summary>
    /// A letter for each part that failed, with what its node was given, so that a redrive can enter there while the other parts stay as they are. If one
    /// cannot be kept like that, one letter for the whole root: then nothing of the root is committed, and a redrive begins anew.
    /// </summary>
    public static List<Burial> Bury(ConsecutorCore core, Root root)
    {
        var letters = new List<Burial>();
        for (PartFailure? failure = root.Failures; failure is not null; failure = failure.Next)
        {
            if (failure.IsPartial || BuryPart(core, root, failure) is not { } letter) return [BuryWhole(core, root)];
            letters.Add(letter);
        }
        letters.Reverse();
        return letters;
    }

    /// <summary>One letter, with what was accepted.</summary>
    public static Burial BuryWhole(ConsecutorCore core, Root root)
    {
        root.DropStaged();
        Burial letter = Describe(core, root, First(root));

        // What has headers keeps them, with the node that it enters at. Null says so; a null array would become empty headers. It has ended in its batch: when it is redriven it belongs to none.
        return root.Headers.IsEmpty || root.Headers.Batch is not null
            ? letter with { Headers = (root.Headers with { Id = root.Id, Batch = null }).ToBytes() }
            : letter;
    }

    private static Burial? BuryPart(ConsecutorCore core, Root root, PartFailure failure)
    {
        if (core.Following?.Entrance(failure.Cause.Index) is not { } entrance || failure.Cause.Item is not { } item) return null;
        byte[]? payload = entrance.Accept(new Writer(core, item));
        if (payload is null) return null;
        return Describe(core, root, failure) with { Payload = payload, Headers = new EntryHeaders(root.Id, failure.Cause.Node).ToBytes() };
    }

    private static Burial Describe(ConsecutorCore core, Root root, PartFailure failure)
        => new(root.EntrySequence, failure.Cause.Node, FailureText.Of(failure.Cause.InnerException!), root.Attempt)
        {
            Path = core.Nodes.PathTo(failure.Cause.Index),
        };

    private static PartFailure First(Root root)
    {
        PartFailure first = root.Failures!;
        while (first.Next is { } earlier) first = earlier;
        return first;
    }

    /// <summary>Writes what a node was given; null where that cannot be written.</summary>
    private sealed class Writer(ConsecutorCore core, object item) : IEntranceVisitor<byte[]?>
    {
        public byte[]? Visit<T>(Inlet<T> inlet)
        {
            try
            {
                var bytes = new ArrayBufferWriter<byte>();
                IPayloadSerializer<T> serializer = core.Options.Serializers.For<T>();
                serializer.Serialize((T)item, bytes);
                byte[] payload = bytes.WrittenSpan.ToArray();
                serializer.Deserialize(payload);                 // what cannot be read again must not be all that is left
                return payload.Length <= core.Stream.MaxEntryBytes - 1024 ? payload : null;
            }
            catch (Exception)
            {
                return null;                         // the whole root is kept instead
            }
        }
    }
}
