using System.Runtime.CompilerServices;

namespace Sluice;

/// <summary>The operators of sources and pipes, beside what <c>|</c> takes.</summary>
/// <remarks>One file each. All keep the order of the items unless they say otherwise, and hold nothing back unless they say so.</remarks>
public static partial class Operators
{
    /// <summary>Turns every item into another. The same as <c>source | function</c>.</summary>
    public static Source<TOut> Select<T, TOut>(this Source<T> source, Func<T, TOut> function)
        => new MapSource<T, TOut>(NotNull(source), NotNull(function));

    /// <inheritdoc cref="Select{T, TOut}(Source{T}, Func{T, TOut})"/>
    public static Pipe<TIn, TOut> Select<TIn, T, TOut>(this Pipe<TIn, T> pipe, Func<T, TOut> function)
        => NotNull(pipe).Then(new SelectOperator<T, TOut>(NotNull(function)));

    private static T NotNull<T>(T argument, [System.Runtime.CompilerServices.CallerArgumentExpression(nameof(argument))] string? name = null)
        where T : class
        => argument ?? throw new ArgumentNullException(name);
}

internal sealed class SelectOperator<T, TOut>(Func<T, TOut> function) : Operator<T, TOut>
{
    public override string Kind => "map";

    public override bool LetsFailuresThrough => true;

    public override Delegate Function => function;

    public override bool MayRunAhead => true;

    public override Inlet<T> Create(StageContext context, Inlet<TOut> next) => new SelectStage<T, TOut>(context, next, function);

    public override Inlet<T>? TryFuse(int node, Inlet<TOut> next) => TryFuse(node, next, function);

    /// <summary>The same without an operator.</summary>
    public static Inlet<T>? TryFuse(int node, Inlet<TOut> next, Func<T, TOut> function)
        => next switch
        {
            SelectRun<T> run when run.TryPrepend(node, (Func<T, T>)(object)function) => run,
            SelectStage<T, T> { HasOneInput: true, IsOneNode: true } single when node == single.Node + 1
                => new SelectRun<T>(single.Context, single.Next, single.Function).Prepend(node, (Func<T, T>)(object)function),
            ITakesMap<TOut> other when typeof(T) != typeof(TOut) => other.TryPrepend(node, function),
            _ => null,
        };
}

internal sealed class SelectStage<T, TOut> : Stage<T, TOut>, IRoutedMap<T>, ITakesMap<T>, ITakesStretch<T>, ITakesFollowed<T>
{
    private readonly Boundary<TOut>? outlet;
    private readonly ActionSinkStage<TOut>? sink;
    private readonly ICollector<TOut>? collector;
    private readonly MapSteps? steps;                // where the function is that of several nodes

    public SelectStage(StageContext context, Inlet<TOut> next, Func<T, TOut> function, MapSteps? steps = null) : base(context, next)
    {
        Function = function;
        context.IsOneToOne = true;
        outlet = next as Boundary<TOut>;
        sink = next as ActionSinkStage<TOut>;
        collector = next as ICollector<TOut>;
        this.steps = steps;
        if (steps is not null) Node = steps.Node;
    }

    public Func<T, TOut> Function { get; }

    public override bool HandsOn => Next.HandsOn;

    public bool IsOneNode => steps is null;

    public Inlet<TBefore>? TryPrepend<TBefore>(int node, Func<TBefore, T> map)
    {
        if (!HasOneInput) return null;
        MapSteps all = steps ?? new MapSteps(Context);
        return new SelectStage<TBefore, TOut>(Context, Next, all.Prepend(node, map, Function), all);
    }

    FanOut<T>? IRoutedMap<T>.TryFuse(StageContext context, Inlet<T>[] branches, RouteOperator<T> route)
        => Array.TrueForAll(branches, branch => branch is SelectStage<T, TOut> { outlet: null, steps: null } map && ReferenceEquals(map.Next, Next))
            ? new RouteRun<T, TOut>(context, Array.ConvertAll(branches, branch => (SelectStage<T, TOut>)branch), route)
            : null;

    bool ITakesFollowed<T>.TakesFollowed => outlet is not null || sink is not null;

    /// <summary>Between two boundaries, or a boundary and a sink: a stretch at a time, without a virtual call.</summary>
    public override ValueTask PullAsync(Ring<T> ring, PipelineRun run, int count, ref int taken)
    {
        if (outlet is null && sink is null) return base.PullAsync(ring, run, count, ref taken);
        while (taken < count)
        {
            Span<T> items = ring.Peek(count - taken, out ItemRefs followed);
            int before = taken;
            ValueTask pushed;
            try
            {
                pushed = PushAsync(items, followed, ref taken);
            }
            finally
            {
                ring.Skip(items, followed, taken - before);
            }
            if (!pushed.IsCompletedSuccessfully) return pushed;
        }
        return default;
    }

    public ValueTask PushAsync(ReadOnlySpan<T> items, in ItemRefs followed, ref int taken)
    {
        if (outlet is null) return ConsumeAsync(items, followed, ref taken);
        Span<TOut> output = outlet.Free(items.Length);
        if (output.IsEmpty)
        {
            taken++;
            return PushAsync(items[0], followed.TicketOf(0));
        }
        Transform(items, followed, output, ref taken);
        return default;
    }

    private void Transform(ReadOnlySpan<T> items, in ItemRefs followed, Span<TOut> output, ref int taken)
    {
        Func<T, TOut> function = Function;
        PipelineRun run = Context.Run;
        int entered = 0, left = 0;
        T item = default!;
        if (!followed.IsEmpty) outlet!.Follow(followed, output.Length);
        try
        {
            for (; left < output.Length; left++)
            {
                if (run.IsStopping) throw new RunStoppedException();
                item = items[left];
                entered++;
                output[left] = function(item);
                outlet!.Show(left + 1);
            }
        }
        catch (Exception e) when (e is not RunStoppedException)
        {
            throw Failure(e, item, followed.TicketOf(left));
        }
        finally
        {
            Context.In += entered;
            taken += entered;
            if (!followed.IsEmpty) outlet!.Unfollow(left, output.Length - left);
            outlet!.Added(left);
        }
    }

    private ValueTask ConsumeAsync(ReadOnlySpan<T> items, in ItemRefs followed, ref int taken)
    {
        Func<T, TOut> function = Function;
        Action<TOut> last = sink!.Function;
        PipelineRun run = Context.Run;
        int entered = 0, left = 0, done = 0;
        TOut result = default!;
        try
        {
            for (; done < items.Length; done++)
            {
                if (run.IsStopping) throw new RunStoppedException();
                entered++;
                result = function(items[done]);
                left++;
                last(result);
            }
        }
        catch (Exception e) when (e is not RunStoppedException)
        {
            throw left == entered ? sink.Failure(e, result, followed.TicketOf(done)) : Failure(e, items[done], followed.TicketOf(done));
        }
        finally
        {
            Context.In += entered;
            sink.Context.In += left;
            taken += entered;
            if (!followed.IsEmpty) followed.Complete(done);
        }
        return default;
    }

    bool ITakesStretch<T>.TakesStretches => collector is { Collects: true };

    ValueTask ITakesStretch<T>.PushAsync(ReadOnlySpan<T> items, Ticket? ticket, ref int taken)
    {
        Span<TOut> output = collector!.Reserve(items.Length);
        Func<T, TOut> function = Function;
        PipelineRun run = Context.Run;
        int left = 0;
        try
        {
            for (; left < output.Length; left++)
            {
                if (run.IsStopping) throw new RunStoppedException();
                output[left] = function(items[left]);
            }
            taken = left;
        }
        catch (Exception e) when (e is not RunStoppedException)
        {
            taken = left + 1;
            throw Failure(e, items[left], ticket);
        }
        finally
        {
            Context.In += taken;
            collector.Added(left, ticket);
        }
        return collector.RoomAsync();
    }

    public override ValueTask PushAsync(T item, Ticket? ticket)
    {
        Context.In++;
        TOut result;
        try
        {
            result = Function(item);
        }
        catch (Exception e)
        {
            throw Failure(e, item, ticket);
        }
        return Next.PushAsync(result, ticket);
    }

    private Exception Failure(Exception cause, T item, Ticket? ticket)
        => steps is null ? Context.Failure(cause, item, ticket) : steps.Failure(cause, item, ticket);
}
