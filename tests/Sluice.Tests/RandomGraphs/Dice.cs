namespace Sluice.Tests.RandomGraphs;

/// <summary>Generates random graphs. The same seed always yields the same graph.</summary>
internal sealed class Dice
{
    private const int MostLoad = 300;

    private readonly Random random;
    private int ids;
    private bool hasFatal;
    private double load;                             // the approximate number of items in the current stream

    private Dice(ulong seed) => random = new Random((int)(seed ^ (seed >> 32)));

    public static GraphCase Case(ulong seed)
    {
        var dice = new Dice(seed);
        bool ordered = true;
        Flow flow = dice.Flow(dice.Range(0, 6), 2, ref ordered);
        Graph graph = new(flow, dice.Ending(2, ordered));
        int capacity = dice.Chance(50) ? dice.Range(1, 4) : dice.Range(1, 64);
        return new(seed, graph, capacity, dice.Interference());
    }

    private Interference Interference()
    {
        int kind = random.Next(10);
        int at = Chance(50) ? Range(1, 10) : Range(1, 120);
        return kind < 6 ? RandomGraphs.Interference.None : new(kind < 8 ? InterferenceKind.Cancel : InterferenceKind.Drain, at);
    }

    private Flow Flow(int steps, int depth, ref bool ordered)
    {
        int count = random.Next(10) switch { < 5 => Range(0, 6), < 9 => Range(3, 15), _ => Range(30, 100) };
        load = count;
        SourceKind kind = Pick(SourceKind.Enumerable, SourceKind.Range, SourceKind.Async, SourceKind.Uneven);
        int id = ++ids;
        return new(id, kind, count, Chance(15) ? Capacity() : null, Pace(), Chain(steps, depth, ref ordered));
    }

    private Chain Chain(int steps, int depth, ref bool ordered)
    {
        List<Step> chain = [];
        for (int i = 0; i < steps; i++) chain.Add(Step(depth, ref ordered));
        return new(chain);
    }

    private Step Step(int depth, ref bool ordered)
    {
        int id = ++ids;
        bool asynchronous = Chance(50);
        switch (random.Next(depth > 0 ? 37 : 25))
        {
            case < 5:
                return new MapStep(id, Policy(ref ordered, asynchronous), PaceOf(asynchronous), asynchronous);
            case < 8:
                return new ManyStep(id, Policy(ref ordered, asynchronous), PaceOf(asynchronous), asynchronous, asynchronous
                    ? Range(0, load < MostLoad ? 3 : 2) : Most());
            case < 10:
                return new NodeStep(id, Policy(ref ordered, true), Pace(), Chance(40));
            case < 12:
                return new WhereStep(id, Policy(ref ordered, asynchronous), PaceOf(asynchronous), asynchronous);
            case < 20:
                if (ordered) return Ordered(id);
                return Chance(40) ? Combine(id, ref ordered)
                    : new MapStep(id, Policy(ref ordered), RandomGraphs.Pace.AtOnce, IsAsync: false);
            case < 25:
                ordered = true;                      // the step emits its outputs in order, whatever the order of its input
                return Observed(id);
            case < 30:
                return FanOut(id, depth, ref ordered);
            case < 32 when ordered:
                return new ZipStep(id, OrderedFlow(depth));
            case < 34 when ordered:
                double own = load;
                Flow behind = OrderedFlow(depth);
                load += own;
                return new ConcatStep(id, behind);
            case < 35 when load < MostLoad:
                return Join(id, depth, ref ordered);
            default:
                bool others = true;
                double before = load;
                Flow other = Flow(Range(0, 2), depth - 1, ref others);
                load += before;
                ordered = false;
                return new MergeStep(id, other);
        }
    }

    /// <summary>A stateful step that keeps the order.</summary>
    private Step Ordered(int id)
    {
        int? buffer = Chance(15) ? Capacity() : null;
        return random.Next(10) switch
        {
            0 => new TimeoutStep(id, buffer),
            1 or 7 => new GroupByStep(id, buffer, Range(1, 4), Range(1, 6)),
            2 => new AggregateStep(id, buffer),
            3 => new ScanStep(id, buffer),
            4 => new DistinctStep(id, buffer, Range(1, 20), Range(1, 10)),
            5 => new TakeStep(id, buffer, Range(0, 20)),
            6 => new SkipStep(id, buffer, Range(0, 10)),
            8 => Combine(id),
            _ => Observed(id),
        };
    }

    private CombineStep Combine(int id) => new(id, new Policy { Parallel = Range(2, 8), Unordered = Chance(30) },
        Chance(15) ? Capacity() : null);

    private CombineStep Combine(int id, ref bool ordered)
    {
        ordered = true;                              // one output, whatever the order of the input
        return Combine(id);
    }

    /// <summary>A step whose output depends on the times or the order of its items.</summary>
    private Step Observed(int id)
    {
        int? buffer = Chance(15) ? Capacity() : null;
        switch (random.Next(10))
        {
            case < 3:
                int limits = Range(1, 15);
                return new ChunkStep(id, buffer, Limit(1, 1, 8), Limit(2, 1, 20), Limit(4, 1, 12), Limit(8, 1, 8));
                int? Limit(int bit, int from, int to) => (limits & bit) != 0 ? Range(from, to) : null;
            case < 6:
                return Window(id, buffer);
            case < 8:
                return new NewestStep(id, buffer, Pick(NewestKind.Debounce, NewestKind.Sample), Range(1, 20));
            default:
                return new PaceStep(id, buffer, Pick(PaceKind.Delay, PaceKind.Burst, PaceKind.Smooth), Range(1, 20), Range(1, 6));
        }
    }

    private WindowStep Window(int id, int? buffer)
    {
        int size = Range(1, 20), most = Chance(60) ? 1000 : Range(1, 6);
        WindowKind kind = Pick(WindowKind.Tumbling, WindowKind.Sliding, WindowKind.Session);
        if (kind == WindowKind.Session) return new(id, buffer, kind, size, Range(1, 50), most);
        if (kind == WindowKind.Tumbling || load > MostLoad) return new(id, buffer, WindowKind.Tumbling, size, size, most);
        int hop = Range(Math.Max(1, size / 4), size);
        load *= (size + hop - 1) / hop;
        return new(id, buffer, kind, size, hop, most);
    }

    private JoinStep Join(int id, int depth, ref bool ordered)
    {
        bool others = true;
        double before = load;
        Flow other = Flow(Range(0, 2), depth - 1, ref others);
        int keys = Range(1, 20);
        // Every item pairs with all items of its key. More keys keep the number of pairs small.
        if (load * before / keys > MostLoad) keys = (int)(load * before / MostLoad) + 1;
        load = load * before / keys;
        ordered = true;                              // the join emits its pairs in the order in which it makes them
        return new(id, other, keys, Chance(50) ? Range(1, 30) : null, Chance(60) ? 100_000 : Range(1, 10));
    }

    private FanStep FanOut(int id, int depth, ref bool ordered)
    {
        FanKind kind = ordered ? Pick(FanKind.Broadcast, FanKind.Route, FanKind.RoundRobin) : Pick(FanKind.Broadcast, FanKind.Route);
        List<Chain> branches = [];
        double before = load, after = 0;
        int count = Range(1, load > MostLoad ? 1 : 4);
        for (int i = 0; i < count; i++)
        {
            bool start = kind == FanKind.RoundRobin || ordered;
            load = kind == FanKind.Broadcast ? before : before / count;
            branches.Add(Chain(Range(0, 2), depth - 1, ref start));
            after += load;
        }
        load = after;
        ordered = false;
        // With more branches, the last one is the `otherwise` branch, so no branch name is unknown.
        bool hasUnknown = kind == FanKind.Route && count <= Fan.MostNamed && !hasFatal && Chance(10);
        hasFatal |= hasUnknown;
        return new(id, kind, branches, Chance(15) ? Capacity() : null, hasUnknown ? Range(2, 30) : 0);
    }

    /// <summary>A flow whose steps all keep the order.</summary>
    private Flow OrderedFlow(int depth)
    {
        while (true)
        {
            bool ordered = true;
            Flow flow = Flow(Range(0, 2), depth - 1, ref ordered);
            if (ordered) return flow;
        }
    }

    private Ending Ending(int depth, bool ordered)
    {
        int id = ++ids;
        if (depth == 0 || Chance(70))
        {
            bool asynchronous = Chance(40);
            return new SinkEnding(id, Policy(ref ordered, asynchronous) with { Buffer = null }, asynchronous ? Pace()
                : RandomGraphs.Pace.AtOnce, asynchronous);
        }
        FanKind kind = ordered ? Pick(FanKind.Broadcast, FanKind.Route, FanKind.RoundRobin) : Pick(FanKind.Broadcast, FanKind.Route);
        List<(Chain, Ending)> branches = [];
        double before = load;
        for (int i = Range(1, 3); i > 0; i--)
        {
            bool start = ordered;
            load = before;
            Chain chain = Chain(Range(0, 2), depth - 1, ref start);
            branches.Add((chain, Ending(depth - 1, start)));
        }
        bool hasUnknown = kind == FanKind.Route && branches.Count <= Fan.MostNamed && !hasFatal && Chance(15);
        hasFatal |= hasUnknown;
        return new FanEnding(id, kind, branches, hasUnknown ? Range(2, 30) : 0);
    }

    private Policy Policy(ref bool ordered, bool asynchronous = false)
    {
        var policy = new Policy { Buffer = Chance(15) ? Capacity() : null, HasTimeout = asynchronous && Chance(10) };
        switch (random.Next(10))
        {
            case 0:
                policy = policy with { KeyLanes = Range(1, 4), Keys = Range(1, 5) };
                ordered = false;
                break;
            case 1:
                policy = policy with { Parallel = Range(2, 8) };
                break;
            case 2:
                policy = policy with { Parallel = Range(2, 8), Unordered = true };
                ordered = false;
                break;
        }
        if (Chance(12)) policy = policy with
        {
            OnError = Pick(ErrorPolicy.Skip, ErrorPolicy.DeadLetter),
            FailsEvery = Range(1, 6),
            Failures = Range(1, 3)
        };
        if (Chance(12)) policy = policy with { Retries = Range(1, 3), FailsEvery = Range(1, 6), Failures = Range(1, 3) };
        if (policy.IsFatal && (hasFatal || Chance(60))) policy = policy with { Failures = policy.Retries };
        if (!hasFatal && Chance(4)) policy = policy with
        {
            FailsEvery = Range(2, 20),
            Failures = policy.Retries + 1,
            OnError = ErrorPolicy.Stop
        };
        hasFatal |= policy.IsFatal;
        return policy;
    }

    private int Most()
    {
        int most = load < 3 && Chance(10) ? 1500 : load < 10 && Chance(15) ? 90 : Range(0, load < MostLoad ? 3 : 2);
        load *= most / 2.0;
        return most;
    }

    private int Capacity() => Chance(50) ? Range(1, 3) : Range(1, 64);

    private Pace PaceOf(bool asynchronous) => asynchronous ? Pace() : RandomGraphs.Pace.AtOnce;

    private Pace Pace() => Pick(RandomGraphs.Pace.AtOnce, RandomGraphs.Pace.Yield, RandomGraphs.Pace.YieldTwice, RandomGraphs.Pace.Delay);

    private bool Chance(int percent) => random.Next(100) < percent;

    private int Range(int from, int to) => random.Next(from, to + 1);

    private T Pick<T>(params ReadOnlySpan<T> choices) => choices[random.Next(choices.Length)];
}
