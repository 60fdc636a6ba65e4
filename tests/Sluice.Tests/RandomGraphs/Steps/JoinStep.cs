namespace Sluice.Tests.RandomGraphs;

/// <summary>Join: pairs items of equal keys with the items of another flow. The order in which the join takes the items decides which
/// pairs it makes, and in which order.</summary>
/// <param name="Within">The time limit in milliseconds of virtual time. With the real clock no item gets too old.</param>
/// <param name="MaxHeld">How many items of each side the join holds.</param>
internal sealed record JoinStep(int Id, Flow Other, int Keys, int? Within, int MaxHeld) : Step(Id)
{
    public override string Name => $"join-{Id}";

    public override bool IsFatal => Other.Chain.Steps.Any(step => step.IsFatal);

    public override Source<long> Build(Source<long> source, Rig rig)
    {
        JoinLog log = rig.NewJoinLog(Name);
        TimeSpan? within = Within is not { } time ? null : rig.Clock is null ? TimeSpan.FromDays(1) : TimeSpan.FromMilliseconds(time);
        return source.Join(Other.Build(rig), left => Key(log.Add(left, true)), right => Key(log.Add(right, false)), Pair, within, MaxHeld)
            .Annotate(Stage.Named(Name));
    }

    public override Expected Expect(Expected input, Oracle oracle)
    {
        Expected other = Other.Expect(oracle, false);
        long most = input.Most * other.Most;
        NodeExpectation node = oracle.Node(Name, input.Queue + other.Queue + (2 * oracle.Capacity), input.Most + other.Most, most);
        if (oracle.SeenByJoin(Name) is not { } seen) return Expected.Ordered([], 0, most);
        Check(input, seen, true, oracle);
        Check(other, seen, false, oracle);
        HashSet<long> met = [];
        List<Item> pairs = [];
        for (int later = 0; later < seen.Count; later++)
        {
            for (int earlier = 0; earlier < later; earlier++)
            {
                if (!Meet(seen, earlier, later)) continue;
                met.UnionWith([seen[earlier].Value, seen[later].Value]);
                var (left, right) = seen[later].IsLeft ? (later, earlier) : (earlier, later);
                pairs.Add(new(Pair(seen[left].Value, seen[right].Value), null));
            }
        }
        (node.In, node.Out, node.Skipped) = (seen.Count, pairs.Count, seen.Count - met.Count);
        foreach (Item item in input.Items.Concat(other.Items)) item.Root?.EndsAs(RootEnd.Completed);
        return Expected.Ordered(pairs, 0, most);
    }

    public override IEnumerable<Step> Simpler()
    {
        foreach (Flow simpler in Other.Simpler()) yield return this with { Other = simpler };
        if (Keys > 1) yield return this with { Keys = 1 };
        if (Within is not null) yield return this with { Within = null };
        if (MaxHeld < 1000) yield return this with { MaxHeld = 1000 };
    }

    public override IEnumerable<string> Lines()
        => [$"| {Name} by {Keys} keys{(Within is { } time ? $" within {time} ms" : "")}, {MaxHeld} held, with",
        .. Other.Lines().Select(line => "    " + line)];

    private void Check(Expected side, IReadOnlyList<JoinArrival> seen, bool isLeft, Oracle oracle)
    {
        if (oracle.MayBeStopped) return;
        long[] came = [.. seen.Where(item => item.IsLeft == isLeft).Select(item => item.Value)];
        if (Order.Violation(side, came, oracle.IsWhole) is { } wrong) oracle.Wrong.Add($"in front of {Name}: {wrong}");
    }

    private bool Meet(IReadOnlyList<JoinArrival> seen, int earlier, int later)
    {
        if (seen[earlier].IsLeft == seen[later].IsLeft || Key(seen[earlier].Value) != Key(seen[later].Value)) return false;
        // Without a virtual clock, all times are zero.
        if (Within is { } time && seen[later].At - seen[earlier].At >= TimeSpan.FromMilliseconds(time)) return false;
        int newer = 0;
        for (int i = earlier + 1; i < later; i++) newer += seen[i].IsLeft == seen[earlier].IsLeft ? 1 : 0;
        return newer < MaxHeld;
    }

    private long Key(long value) => Mixing.Roll(value, Id, Keys);

    private long Pair(long left, long right) => Mixing.Mix(Mixing.Mix(left, Id), right);
}

/// <summary>An item that a join has taken.</summary>
internal sealed record JoinArrival(long Value, bool IsLeft, TimeSpan At);

/// <summary>The items that a join took, in order. The join calls its key function once for each item, one call at a time.</summary>
internal sealed class JoinLog(Rig rig)
{
    private readonly Lock sync = new();
    private readonly List<JoinArrival> arrivals = [];

    public IReadOnlyList<JoinArrival> Arrivals
    {
        get
        {
            lock (sync) return [.. arrivals];
        }
    }

    public long Add(long value, bool isLeft)
    {
        lock (sync) arrivals.Add(new(value, isLeft, rig.Now));
        return value;
    }
}
