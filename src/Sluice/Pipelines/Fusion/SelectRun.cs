namespace Sluice.Pipelines;

/// <summary>
/// Adjacent maps of one type as one stage: a loop over the functions, with one push and one counter for all. Ten maps take 0.63 of the time
/// of a plain loop over ten delegates, and 0.34 of the time of Rx (docs/reports/performance.md, scenario <c>fused</c>). As ten
/// stages they take 2.5 times as long (docs/reports/performance.md, what each fusion saves).
/// </summary>
/// <remarks>The step tells which node failed.</remarks>
internal sealed class SelectRun<T> : Stage<T, T>, IReportsCounts, ITakesFollowed<T>
{
    private const int FirstPlaces = 12;

    private readonly ActionSinkStage<T>? sink;
    private readonly int last;                       // the node of the last function; those before it have the numbers behind it
    private Func<T, T>[] functions = new Func<T, T>[FirstPlaces];   // in the order of the items, at the end of the array
    private int first = FirstPlaces - 1;
    private long[]? failed;                                         // how many items failed, by step, from the end of the array

    /// <summary>Begins with one map.</summary>
    public SelectRun(StageContext context, Inlet<T> next, Func<T, T> function) : base(context, next)
    {
        last = context.Node;
        sink = next as ActionSinkStage<T>;
        functions[^1] = function;
        (context.Reporter, context.IsReported) = (this, true);
    }

    /// <summary>Puts a map before the others, unless a merge or another node stands between. Called while the run is built.</summary>
    public bool TryPrepend(int node, Func<T, T> function)
    {
        if (!HasOneInput || node != Node + 1) return false;
        Prepend(node, function);
        return true;
    }

    public SelectRun<T> Prepend(int node, Func<T, T> function)
    {
        if (first == 0)
        {
            var larger = new Func<T, T>[functions.Length * 3];
            functions.CopyTo(larger, first = functions.Length * 2);
            functions = larger;
        }
        functions[--first] = function;
        Node = node;
        return this;
    }

    public override ValueTask PushAsync(T item, Ticket? ticket)
    {
        Context.In++;
        int step = first;
        T value = item;
        try
        {
            Apply(functions, ref step, ref value);
        }
        catch (Exception e)
        {
            throw Failure(e, step, value, ticket);
        }
        return Next.PushAsync(value, ticket);
    }

    bool ITakesFollowed<T>.TakesFollowed => sink is not null;

    public ValueTask PushAsync(ReadOnlySpan<T> items, in ItemRefs followed, ref int taken)
    {
        Func<T, T>[] steps = functions;
        Action<T> consume = sink!.Function;
        PipelineRun run = Context.Run;
        int entered = 0, done = 0, step = 0;
        T value = default!;
        try
        {
            for (; done < items.Length; done++)
            {
                if (run.IsStopping) throw new RunStoppedException();
                entered++;
                step = first;
                value = items[done];
                Apply(steps, ref step, ref value);
                consume(value);
            }
        }
        catch (Exception e) when (e is not RunStoppedException)
        {
            Ticket? ticket = followed.TicketOf(done);
            throw step == steps.Length ? sink.Failure(e, value, ticket) : Failure(e, step, value, ticket);
        }
        finally
        {
            Context.In += entered;
            sink.Context.In += step == steps.Length ? entered : Math.Max(0, entered - 1);
            taken += entered;
            if (!followed.IsEmpty) followed.Complete(done);
        }
        return default;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Apply(Func<T, T>[] steps, ref int step, ref T value)
    {
        // Several call sites: the runtime profiles each one and inlines the delegate that it calls there.
        while (steps.Length - step >= 8)
        {
            value = steps[step](value);
            value = steps[++step](value);
            value = steps[++step](value);
            value = steps[++step](value);
            value = steps[++step](value);
            value = steps[++step](value);
            value = steps[++step](value);
            value = steps[++step](value);
            step++;
        }
        if (steps.Length - step >= 2)
        {
            value = steps[step](value);
            value = steps[++step](value);
            step++;
        }
        for (; step < steps.Length; step++) value = steps[step](value);
    }

    public void Report(NodeCounts[] counts)
    {
        long count = Volatile.Read(ref Context.In);
        for (int step = first; step < functions.Length; step++)
        {
            ref NodeCounts node = ref counts[NodeOf(step)];
            node.In += count;
            long failures = failed is { } known ? Volatile.Read(ref known[functions.Length - 1 - step]) : 0;
            node.Failed += failures;
            node.Out += count -= failures;
        }
    }

    public override bool HandsOn => Next.HandsOn;

    private int NodeOf(int step) => last + functions.Length - 1 - step;

    private Exception Failure(Exception cause, int step, T item, Ticket? ticket)
    {
        Exception failure = Context.Failure(cause, item, ticket, NodeOf(step));
        if (failure is PipelineException) (failed ??= new long[functions.Length])[functions.Length - 1 - step]++;
        return failure;
    }
}
