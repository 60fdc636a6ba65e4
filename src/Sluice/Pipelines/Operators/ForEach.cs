using System.Runtime.CompilerServices;

namespace Sluice;

public static partial class Operators
{
    /// <summary>Ends in a function that is called with every item. The same as <c>source | function</c>.</summary>
    public static Pipeline ForEach<T>(this Source<T> source, Action<T> function)
        => NotNull(source).To(new ActionSink<T>(NotNull(function)));

    /// <summary>Ends in an asynchronous function that is called with every item, one at a time unless annotated. The same as <c>source | function</c>.</summary>
    public static Pipeline ForEachAsync<T>(this Source<T> source, Func<T, ItemContext, CancellationToken, ValueTask> function)
        => NotNull(source).To(new AsyncActionSink<T>(NotNull(function), function));

    /// <inheritdoc cref="ForEach{T}(Source{T}, Action{T})"/>
    public static Sink<TIn> ForEach<TIn, T>(this Pipe<TIn, T> pipe, Action<T> function)
        => NotNull(pipe).Then(source => source.ForEach(function));

    /// <inheritdoc cref="ForEachAsync{T}(Source{T}, Func{T, ItemContext, CancellationToken, ValueTask})"/>
    public static Sink<TIn> ForEachAsync<TIn, T>(this Pipe<TIn, T> pipe, Func<T, ItemContext, CancellationToken, ValueTask> function)
        => NotNull(pipe).Then(source => source.ForEachAsync(function));

    internal static Pipeline To<T>(this Source<T> source, Operator<T, Unit> sink) => new(source.Then(sink));
}

internal sealed class ActionSink<T>(Action<T> given) : Operator<T, Unit>
{
    private readonly Action<T> function = AsyncVoid.Refuse(given);

    public override string Kind => "sink";

    public override Delegate Function => function;

    public override Inlet<T> Create(StageContext context, Inlet<Unit> next) => new ActionSinkStage<T>(context, next, function);
}

internal sealed class ActionSinkStage<T> : Stage<T, Unit>, ITakesMap<T>, ITakesFollowed<T>
{
    private readonly MapSteps? steps;                // where the function is that of several nodes

    public ActionSinkStage(StageContext context, Inlet<Unit> next, Action<T> function, MapSteps? steps = null) : base(context, next)
    {
        Function = function;
        context.IsOneToOne = true;
        this.steps = steps;
        if (steps is not null) Node = steps.Node;
    }

    public Action<T> Function { get; }

    public bool IsOneNode => steps is null;

    public Inlet<TBefore>? TryPrepend<TBefore>(int node, Func<TBefore, T> map)
    {
        if (!HasOneInput) return null;
        MapSteps all = steps ?? new MapSteps(Context);
        return new ActionSinkStage<TBefore>(Context, Next, all.Prepend(node, map, Function), all);
    }

    /// <summary>Straight out of a ring, without a call per item but the user's.</summary>
    public override ValueTask PullAsync(Ring<T> ring, PipelineRun run, int count, ref int taken)
    {
        while (taken < count)
        {
            Span<T> items = ring.Peek(count - taken, out ItemRefs followed);
            int before = taken;
            try
            {
                PushAsync(items, followed, ref taken);
            }
            finally
            {
                ring.Skip(items, followed, taken - before);
            }
        }
        return default;
    }

    bool ITakesFollowed<T>.TakesFollowed => true;

    public ValueTask PushAsync(ReadOnlySpan<T> items, in ItemRefs followed, ref int taken)
    {
        Action<T> function = Function;
        PipelineRun run = Context.Run;
        int entered = 0, done = 0;
        T item = default!;
        try
        {
            for (; done < items.Length; done++)
            {
                if (run.IsStopping) throw new RunStoppedException();
                item = items[done];
                entered++;
                function(item);
            }
        }
        catch (Exception e) when (e is not RunStoppedException)
        {
            throw Failure(e, item, followed.TicketOf(done));
        }
        finally
        {
            Context.In += entered;
            taken += entered;
            if (!followed.IsEmpty) followed.Complete(done);
        }
        return default;
    }

    public override ValueTask PushAsync(T item, Ticket? ticket)
    {
        Context.In++;
        try
        {
            Function(item);
        }
        catch (Exception e)
        {
            throw Failure(e, item, ticket);
        }
        ticket?.Settle(Outcome.Completed);
        return default;
    }

    public Exception Failure(Exception cause, T item, Ticket? ticket)
        => steps is null ? Context.Failure(cause, item, ticket) : steps.Failure(cause, item, ticket);
}

/// <param name="function">The function in its widest form.</param>
/// <param name="original">The function as the user wrote it, for its name.</param>
/// <param name="needsTickets">Whether the user's function takes the <see cref="ItemContext"/>.</param>
internal sealed class AsyncActionSink<T>(
    Func<T, ItemContext, CancellationToken, ValueTask> function, Delegate original, bool needsTickets = true) : Operator<T, Unit>
{
    public override string Kind => "sink";

    public override Delegate Function => original;

    public override bool IsAsynchronous => true;

    public override bool NeedsTickets => needsTickets;

    public override Inlet<T> Create(StageContext context, Inlet<Unit> next) => new AsyncActionSinkStage<T>(context, next, function);
}

internal sealed class AsyncActionSinkStage<T>(
    StageContext context, Inlet<Unit> next, Func<T, ItemContext, CancellationToken, ValueTask> function) : Stage<T, Unit>(context, next)
{
    public override ValueTask PushAsync(T item, Ticket? ticket)
    {
        Context.In++;
        try
        {
            ValueTask pending = function(item, new ItemContext(Context, ticket), Context.Token);
            if (!pending.IsCompletedSuccessfully) return AwaitAsync(pending, item, ticket);
            pending.GetAwaiter().GetResult();
        }
        catch (Exception e)
        {
            throw Context.Failure(e, item, ticket);
        }
        Context.Out++;
        ticket?.Settle(Outcome.Completed);
        return default;
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    private async ValueTask AwaitAsync(ValueTask pending, T item, Ticket? ticket)
    {
        Context.IsSuspended = true;
        try
        {
            await pending;
        }
        catch (Exception e)
        {
            throw Context.Failure(e, item, ticket);
        }
        finally
        {
            Context.IsSuspended = false;
        }
        Context.Out++;
        ticket?.Settle(Outcome.Completed);
    }
}
