namespace Sluice.Pipelines;

/// <summary>
/// Adjacent asynchronous maps of one type as one stage: a loop for as long as the functions complete at once. Ten maps that complete at
/// once take
/// 0.13 of the time of <c>IAsyncEnumerable</c> (docs/reports/performance.md, scenario <c>fused-async</c>). As ten stages they take 1.5
/// times as long (docs/reports/performance.md, what each fusion saves).
/// </summary>
internal sealed class SelectAsyncRun<T> : Stage<T, T>, IReportsCounts
{
    private const int FirstPlaces = 4;

    // in order, at the end
    private Func<T, CancellationToken, ValueTask<T>>[] functions = new Func<T, CancellationToken, ValueTask<T>>[FirstPlaces];
    private int[] nodes = new int[FirstPlaces];                     // likewise
    private int first = FirstPlaces - 2;
    private int failed = -1;                                        // the step at which an item failed: the last it took
    private int resting = -1;                                       // the step that an item is in, if it was awaited there or before

    /// <summary>Replaces a single map and puts another map before it.</summary>
    public SelectAsyncRun(
        StageContext context, Inlet<T> next, Func<T, CancellationToken, ValueTask<T>> last, int nodeBefore,
            Func<T, CancellationToken, ValueTask<T>> before)
        : base(context, next)
    {
        (functions[^1], nodes[^1]) = (last, context.Node);
        (functions[^2], nodes[^2]) = (before, nodeBefore);
        Node = nodeBefore;
        (context.Reporter, context.IsReported) = (this, true);
    }

    /// <summary>Puts a map before the others, unless a merge stands between. Called while the run is built.</summary>
    public bool TryPrepend(int node, Func<T, CancellationToken, ValueTask<T>> function)
    {
        if (!HasOneInput) return false;
        if (first == 0)
        {
            first = functions.Length * 2;
            functions = [.. new Func<T, CancellationToken, ValueTask<T>>[first], .. functions];
            nodes = [.. new int[first], .. nodes];
        }
        functions[--first] = function;
        nodes[first] = node;
        Node = node;
        return true;
    }

    public override bool HandsOn => Next.HandsOn;

    public override ValueTask PushAsync(T item, Ticket? ticket)
    {
        Context.In++;
        Func<T, CancellationToken, ValueTask<T>>[] steps = functions;
        CancellationToken token = Context.Token;
        int step = first;
        T value = item;
        try
        {
            // Several call sites: the runtime profiles each one and inlines the delegate that it calls there.
            ValueTask<T> pending;
            while (steps.Length - step >= 4)
            {
                pending = steps[step](value, token);
                if (!pending.IsCompletedSuccessfully) return AwaitAsync(pending, step, value, ticket);
                value = pending.Result;
                step++;
                pending = steps[step](value, token);
                if (!pending.IsCompletedSuccessfully) return AwaitAsync(pending, step, value, ticket);
                value = pending.Result;
                step++;
                pending = steps[step](value, token);
                if (!pending.IsCompletedSuccessfully) return AwaitAsync(pending, step, value, ticket);
                value = pending.Result;
                step++;
                pending = steps[step](value, token);
                if (!pending.IsCompletedSuccessfully) return AwaitAsync(pending, step, value, ticket);
                value = pending.Result;
                step++;
            }
            while (step < steps.Length)
            {
                pending = steps[step](value, token);
                if (!pending.IsCompletedSuccessfully) return AwaitAsync(pending, step, value, ticket);
                value = pending.Result;
                step++;
            }
        }
        catch (Exception e)
        {
            throw Failure(e, step, value, ticket);
        }
        return Next.PushAsync(value, ticket);
    }

    public int Awaiting => Volatile.Read(ref resting) is >= 0 and var step ? nodes[step] : -1;

    public void Report(NodeCounts[] counts)
    {
        // An item that rests at a step has entered it and has not come out; steps behind it have not seen it.
        long count = Volatile.Read(ref Context.In);
        int rests = Volatile.Read(ref resting);
        for (int step = first; step < functions.Length; step++)
        {
            ref NodeCounts node = ref counts[nodes[step]];
            node.In += count;
            if (step == failed) node.Failed++;
            if (step == failed || step == rests) count--;
            node.Out += count;
        }
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    private async ValueTask AwaitAsync(ValueTask<T> pending, int step, T item, Ticket? ticket)
    {
        T value = item;
        Volatile.Write(ref resting, step);
        try
        {
            while (true)
            {
                value = await pending;
                if (++step == functions.Length) break;
                Volatile.Write(ref resting, step);   // before the call, which may block
                pending = functions[step](value, Context.Token);
            }
        }
        catch (Exception e)
        {
            Volatile.Write(ref resting, -1);
            throw Failure(e, step, value, ticket);
        }
        Volatile.Write(ref resting, -1);
        await Next.PushAsync(value, ticket);
    }

    /// <summary>There are no policies in here, so the run stops: an instance fails once.</summary>
    private Exception Failure(Exception cause, int step, T item, Ticket? ticket)
    {
        Exception failure = Context.Failure(cause, item, ticket, nodes[step]);
        if (failure is PipelineException) failed = step;
        return failure;
    }
}
