using System.Runtime.CompilerServices;

namespace Sluice;

/// <summary>Adjacent asynchronous maps of one type in one object: a loop for as long as they complete at once.</summary>
internal sealed class SelectAsyncRun<T> : Stage<T, T>, IReportsCounts
{
    private readonly List<StageContext> nodes = [];              // last node first, as the run is built
    private Func<T, CancellationToken, ValueTask<T>>[] functions;
    private int first;
    private long entered;
    private int at;                                              // the step that an item in here has reached

    public SelectAsyncRun(StageContext context, Inlet<T> next, Func<T, CancellationToken, ValueTask<T>> function) : base(context, next)
    {
        functions = [function];
        nodes.Add(context);
        context.Run.Reporters.Add(this);
    }

    /// <summary>Called while the run is built. Not where a merge comes in between.</summary>
    public bool TryPrepend(StageContext context, Func<T, CancellationToken, ValueTask<T>> function)
    {
        if (!HasOneInput) return false;
        if (first == 0)
        {
            var larger = new Func<T, CancellationToken, ValueTask<T>>[functions.Length * 4];
            first = larger.Length - functions.Length;
            functions.CopyTo(larger, first);
            functions = larger;
        }
        functions[--first] = function;
        nodes.Add(context);
        Node = context.Node;
        return true;
    }

    public override ValueTask PushAsync(T item, Ticket? ticket)
    {
        entered++;
        Func<T, CancellationToken, ValueTask<T>>[] steps = functions;
        CancellationToken token = Context.Token;
        int step = first;
        T value = item;
        try
        {
            // Several places of call: the runtime learns for each whom it calls, and calls those directly.
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

    public void Report(NodeCounts[] counts)
    {
        // An item that rests at a step has entered it and has not come out; steps behind it have not seen it.
        long count = Volatile.Read(ref entered);
        int resting = Volatile.Read(ref at);
        for (int i = nodes.Count - 1; i >= 0; i--)
        {
            ref NodeCounts node = ref counts[nodes[i].Node];
            node.In += count;
            count -= Volatile.Read(ref nodes[i].Failed) + (functions.Length - 1 - i == resting - 1 ? 1 : 0);
            node.Out += count;
        }
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    private async ValueTask AwaitAsync(ValueTask<T> pending, int step, T item, Ticket? ticket)
    {
        T value = item;
        try
        {
            while (true)
            {
                if (!pending.IsCompletedSuccessfully) Volatile.Write(ref at, step + 1);
                value = await pending;
                if (++step == functions.Length) break;
                pending = functions[step](value, Context.Token);
            }
        }
        catch (Exception e)
        {
            Volatile.Write(ref at, 0);
            throw Failure(e, step, value, ticket);
        }
        Volatile.Write(ref at, 0);
        await Next.PushAsync(value, ticket);
    }

    private Exception Failure(Exception cause, int step, T item, Ticket? ticket)
        => nodes[functions.Length - 1 - step].Failure(cause, item, ticket);
}
