using System.Buffers;
using Sluice.Policies;

namespace Sluice.Delivery;

/// <summary>Builds the dead letters of a root that has failed for good, or the halves of lists that are divided.</summary>
/// <remarks>Thread-safe.</remarks>
/// <param name="consecutor">The consecutor.</param>
/// <param name="nodes">The nodes of its pipeline.</param>
/// <param name="stream">Its stream, which limits the length of an entry.</param>
/// <param name="tracking">Returns where the present run tracks items.</param>
internal sealed class DeadLetterBuilder(
    ConsecutorIdentity consecutor, NodeTable nodes, ConsecutorStream stream, Func<ItemTracking?> tracking)
{
    /// <summary>The longest key that fits into the headers of a part. With a longer key, the letter keeps the whole item.</summary>
    public const int MaxKey = 10_000;

    private const int MaxStacksPerSecond = 100;      // reading one takes longer than the rest of a letter

    private readonly SecondLimit stacks = new(MaxStacksPerSecond, consecutor.Time);

    /// <summary>Whether a root that has failed for good leaves letters. A damaged one does at every level: <see cref="DamagePolicy"/> says
    /// so.</summary>
    private bool Keeps(Root root) => root.Damage is not null || consecutor.Options.Delivery.Level is DeliveryLevel.Track
        or DeliveryLevel.Replay;

    /// <summary>Says when a failed root is tried again, and why it has failed.</summary>
    public RetryWrite Defer(Root root)
    {
        PartFailure failure = root.Failures!;
        TimeSpan wait = consecutor.Options.Delivery.Backoff.WaitBefore(root.Attempt, consecutor.Random);
        for (PartFailure? one = failure; one is not null; one = one.Next)
            if (wait < one.LeastWait) wait = one.LeastWait;
        return new(root.EntrySequence, root.Attempt, wait, failure.Cause.Node, FailureText.Of(failure.Cause.InnerException!));
    }

    /// <summary>Builds the rest of a root that is not tried again.</summary>
    /// <param name="root">The root.</param>
    /// <param name="isUndone">Whether the parts that have succeeded are not committed.</param>
    public BisectionResult Of(Root root, bool isUndone = false)
    {
        BisectionResult remains = isUndone ? Whole(root) : Bury(root);
        return Keeps(root) ? remains : remains with { Letters = [] };
    }

    /// <summary>
    /// Makes a letter for each failed part, with the item of its node, so that a redrive can enter there and the other parts stay
    /// committed. Divides lists. If a part cannot be kept so, makes one letter for the whole root: then nothing of the root is committed,
    /// and a redrive begins anew.
    /// </summary>
    private BisectionResult Bury(Root root)
    {
        var letters = new List<DeadLetterWrite>();
        var halves = new List<Half>();
        var failures = new List<PartFailure>();
        bool hasGivenUp = false;
        for (PartFailure? failure = root.Failures; failure is not null; failure = failure.Next) failures.Add(failure);
        failures.Reverse();
        for (int i = 0; i < failures.Count; i++)
        {
            PartFailure failure = failures[i];
            if (failure.IsDivisible && Entrance(failure)?.Accept(ListBisection.Divider(this, root, failure, i + 1)) is { } both)
                halves.AddRange(both);
            else if (!Keeps(root))
            {
                hasGivenUp = true;
                if (failure.IsPartial) root.DropStaged();           // what it has put out before it failed is not all of it
            }
            else if (failure.IsPartial || BuryPart(root, failure) is not { } letter) return Whole(root);
            else letters.Add(letter);
        }
        var remains = new BisectionResult(letters, halves) { HasGivenUp = hasGivenUp };
        if (halves.Count == 0 || (remains.Length <= StoreCommit.MaxBytes / 2 && remains.Weight <= StoreCommit.MaxItems / 2)) return remains;
        return new([BuryWhole(root, " (The list was not divided: its halves are more than one commit holds. Make smaller lists.)")], []);
    }

    private BisectionResult Whole(Root root) => new([BuryWhole(root)], []);

    /// <summary>Makes one letter with the accepted item.</summary>
    /// <param name="root">The accepted item.</param>
    /// <param name="remark">Follows the error.</param>
    public DeadLetterWrite BuryWhole(Root root, string remark = "")
    {
        root.DropStaged();
        DeadLetterWrite letter = Describe(root, First(root), remark);
        if (root.Damage is { } damage) return letter with
        {
            IsDamaged = true,
            Payload = damage.Raw,
            Headers = new EntryHeaders(root.Id, null).ToBytes()
        };

        // An entry with headers keeps them, with the node at which it enters. Null says so; a null array would become empty headers. The
        // entry has ended in its batch: when it is redriven, it belongs to none, and a sink that has refused it is asked again.
        return root.Headers.Id is null || root.Headers.Batch is not null || root.Headers.Refusal is not null
            ? letter with { Headers = (root.Headers with { Id = root.Id, Batch = null, Refusal = null }).ToBytes() }
            : letter;
    }

    /// <inheritdoc cref="TopologyRecorder.NamesakesOf"/>
    public int? NamesakesOf(PartFailure failure) => nodes.NamesakesOf(failure.Cause.Index);

    /// <summary>The key for the headers of an entry made of a root. Empty says that the item has none; null, that its key is not
    /// known.</summary>
    public string? KeyOf(Root root) => root.Key ?? (stream.IsKeyed && !root.LacksKey ? "" : null);

    /// <summary>Serializes an item for an entry; null if that fails or the item is too long.</summary>
    public byte[]? Write<T>(T item)
    {
        try
        {
            var bytes = new ArrayBufferWriter<byte>();
            IPayloadSerializer<T> serializer = consecutor.Options.Serializers.For<T>();
            serializer.Serialize(item, bytes);
            byte[] payload = bytes.WrittenSpan.ToArray();
            serializer.Deserialize(payload);                     // a letter must be readable
            return payload.Length <= stream.MaxEntryBytes - 1024 ? payload : null;
        }
        catch (Exception)
        {
            return null;                             // the whole root is kept instead
        }
    }

    private DeadLetterWrite? BuryPart(Root root, PartFailure failure)
    {
        if (root.Key is { Length: > MaxKey } || Entrance(failure) is not { } entrance
            || failure.Cause.Item is not { } item) return null;
        if (root.Headers is { Timer: not null, Node: { } timed } && nodes.Find(timed) == failure.Cause.Index) return null;
        // The first node may have changed its input before it failed; its letter keeps what was accepted.
        ReadOnlyMemory<byte>? payload = null;
        if (!IsAsAccepted(root, failure.Cause.Index))
        {
            if (entrance.Accept(new Writer(this, item)) is not { } written) return null;
            payload = written;
        }
        return Describe(root, failure) with
        {
            Payload = payload,
            Headers = new EntryHeaders(root.Id, failure.Cause.Node)
            {
                Namesakes = NamesakesOf(failure),
                Part = ListBisection.PartAt(root, failure),
                Key = KeyOf(root),
                Trace = root.Headers.Trace
            }.ToBytes()
        };
    }

    /// <summary>Whether the input of a node is what the entry of the root says.</summary>
    private bool IsAsAccepted(Root root, int node) => root.Emission is null && root.Headers.EndOf is null
        && (root.Headers.Node is { } entered ? !root.Headers.IsAfter && nodes.Find(entered) == node : nodes.IsFirst(node));

    private DeadLetterWrite Describe(Root root, PartFailure failure, string remark = "")
    {
        string path = nodes.PathTo(failure.Cause.Index);
        Exception cause = failure.Cause.InnerException!;
        string error = FailureText.Join(FailureText.Of(cause) + remark, Keeps(root) && stacks.TryPass() ? FailureText.StackOf(cause) : "");
        return new(root.EntrySequence, failure.Cause.Node, error, root.Attempt)
        {
            Path = ListBisection.PartAt(root, failure) is { } part ? $"{path}, {part}" : path,
        };
    }

    private IEntrance? Entrance(PartFailure failure) => tracking()?.Entrance(failure.Cause.Index);

    private static PartFailure First(Root root)
    {
        PartFailure first = root.Failures!;
        while (first.Next is { } earlier) first = earlier;
        return first;
    }

    /// <summary>Serializes the item of a node; null if that fails.</summary>
    private sealed class Writer(DeadLetterBuilder letters, object item) : IEntranceVisitor<byte[]?>
    {
        public byte[]? Visit<T>(Inlet<T> inlet) => letters.Write((T)item);
    }
}
