using System.Collections.Concurrent;

namespace Sluice.Graphs;

/// <summary>Contexts of resolves of one graph, for use again: their callers get the value of one node only, the same for all.</summary>
internal abstract class ContextPool<TRequest>
{
    public abstract Resolution NewResolution(GraphContext<TRequest> context);
}

/// <inheritdoc/>
/// <remarks>
/// Thread-safe. Locking rule: none; a context belongs to the thread that has taken it out, then to its resolve, then to the thread that
/// takes the value. The graph refers to the pool weakly, and the resolves in flight refer to it: a collection of the garbage collector
/// frees the pool of a graph that is not in use.
/// </remarks>
internal sealed class ContextPool<TRequest, T>(GraphPlan plan, int node) : ContextPool<TRequest>
{
    private const int Most = 16_384;

    private GraphContext<TRequest>? first;           // enough for one resolve at a time
    private ConcurrentQueue<GraphContext<TRequest>>? others;
    private int count;                               // of the others, about

    public ValueTask<T?> ResolveAsync(TRequest request, CancellationToken caller)
    {
        GraphContext<TRequest>? context = Interlocked.Exchange(ref first, null);
        if (context is null && Volatile.Read(ref others)?.TryDequeue(out context) == true) Interlocked.Decrement(ref count);
        if (context is null) context = new(plan, request, caller, this);
        else context.Begin(request, caller);
        return context.ResolveAsync(this);
    }

    /// <summary>The value of the node, of a resolve that has ended well.</summary>
    public T? ValueOf(GraphContext<TRequest> context)
    {
        ref Slot slot = ref context.SlotOf(node);
        return slot.HasValue ? Slot.Get<T>(ref slot) : default;
    }

    /// <summary>Takes the value, and the context back.</summary>
    public T? Take(GraphContext<TRequest> context)
    {
        T? value = ValueOf(context);
        Return(context);
        return value;
    }

    public void Return(GraphContext<TRequest> context)
    {
        if (!context.TryLetGo() || Interlocked.CompareExchange(ref first, context, null) is null) return;
        if (Interlocked.Increment(ref count) > Most)
        {
            Interlocked.Decrement(ref count);
            return;
        }
        (Volatile.Read(ref others) ?? MakeOthers()).Enqueue(context);
    }

    private ConcurrentQueue<GraphContext<TRequest>> MakeOthers()
    {
        var made = new ConcurrentQueue<GraphContext<TRequest>>();
        return Interlocked.CompareExchange(ref others, made, null) ?? made;
    }

    public override Resolution NewResolution(GraphContext<TRequest> context) => new ValueResolution<TRequest, T>(context, this);
}
