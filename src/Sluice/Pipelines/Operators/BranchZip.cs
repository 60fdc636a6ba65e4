namespace Sluice;

public static partial class Operators
{
    /// <summary>Gives every item to two branches, and pairs what comes out of them: the first with the first, the second with the second, and so on.</summary>
    /// <remarks>
    /// What is ahead is held until its partner comes; in a consecutor that is state, by partition, and needs a name (<see cref="Stage.Named"/>). An item that would be more than <paramref name="maxHeld"/> ahead fails.
    /// What has no partner at the end of a run is counted as skipped. Where branches filter, what belongs together is told by a key: use the join.
    /// </remarks>
    /// <typeparam name="T">The type of the items.</typeparam>
    /// <typeparam name="TLeft">The type of the left items.</typeparam>
    /// <typeparam name="TRight">The type of the right items.</typeparam>
    /// <typeparam name="TOut">The type of what is made of a pair.</typeparam>
    /// <param name="source">What comes.</param>
    /// <param name="left">The one branch.</param>
    /// <param name="right">The other branch.</param>
    /// <param name="function">Makes an item of a pair.</param>
    /// <param name="maxHeld">How many items are held, 1 or more; in a consecutor, of each partition.</param>
    /// <returns>What was made of the pairs. They are new root items.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The number is out of range.</exception>
    public static Source<TOut> Zip<T, TLeft, TRight, TOut>(
        this Source<T> source, Func<Source<T>, Source<TLeft>> left, Func<Source<T>, Source<TRight>> right, Func<TLeft, TRight, TOut> function, int maxHeld = 100_000)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(maxHeld, 1);
        var zip = new BranchZipOperator<TLeft, TRight, TOut>(NotNull(function), maxHeld);
        return new BranchPairSource<T, TLeft, TRight, TOut>(NotNull(source), Pipe<T, TLeft>.Of(left), Pipe<T, TRight>.Of(right), zip, StageOptions.Default);
    }

    /// <inheritdoc cref="Zip{T, TLeft, TRight, TOut}(Source{T}, Func{Source{T}, Source{TLeft}}, Func{Source{T}, Source{TRight}}, Func{TLeft, TRight, TOut}, int)"/>
    /// <typeparam name="TIn">The type of what goes into the pipe.</typeparam>
    /// <typeparam name="T">The type of the items.</typeparam>
    /// <typeparam name="TLeft">The type of the left items.</typeparam>
    /// <typeparam name="TRight">The type of the right items.</typeparam>
    /// <typeparam name="TOut">The type of what is made of a pair.</typeparam>
    /// <param name="pipe">What comes.</param>
    /// <param name="left">The one branch.</param>
    /// <param name="right">The other branch.</param>
    /// <param name="function">Makes an item of a pair.</param>
    /// <param name="maxHeld">How many items are held, 1 or more; in a consecutor, of each partition.</param>
    public static Pipe<TIn, TOut> Zip<TIn, T, TLeft, TRight, TOut>(
        this Pipe<TIn, T> pipe, Func<Source<T>, Source<TLeft>> left, Func<Source<T>, Source<TRight>> right, Func<TLeft, TRight, TOut> function, int maxHeld = 100_000)
        => NotNull(pipe).Then(source => source.Zip(left, right, function, maxHeld));
}

internal sealed class BranchZipOperator<TLeft, TRight, TOut>(Func<TLeft, TRight, TOut> function, int maxHeld) : Operator<Side<TLeft, TRight>, TOut>
{
    public override string Kind => "zip";

    public override Delegate Function => function;

    public override bool Remembers => true;

    public override Inlet<Side<TLeft, TRight>> Create(StageContext context, Inlet<TOut> next) => new BranchZipStage<TLeft, TRight, TOut>(context, next, function, maxHeld);
}

/// <summary>Holds what one of the two sides is ahead.</summary>
internal sealed class BranchZipStage<TLeft, TRight, TOut>(StageContext context, Inlet<TOut> next, Func<TLeft, TRight, TOut> function, int maxHeld)
    : Stage<Side<TLeft, TRight>, TOut>(context, next), IStateful
{
    // What is stored is held, so everything that is not must go at once.
    private readonly HeldItems<TLeft> left = new("L/", int.MaxValue);
    private readonly HeldItems<TRight> right = new("R/", int.MaxValue);
    private readonly bool isStored = context.Scope is not null;

    public void Restore(StateReader stored)
    {
        left.Restore(stored);
        right.Restore(stored);
    }

    public void Save(StateWriter changes)
    {
        left.Save(changes);
        right.Save(changes);
    }

    public override ValueTask PushAsync(Side<TLeft, TRight> item, Ticket? ticket)
    {
        Context.In++;
        return item.IsLeft ? PushAsync(item.Left, left, right, function, ticket) : PushAsync(item.Right, right, left, (one, other) => function(other, one), ticket);
    }

    protected override ValueTask OnCompleteAsync()
    {
        if (!isStored) Context.Skipped += left.Count + right.Count;
        return Next.CompleteAsync();
    }

    private ValueTask PushAsync<T, TOther>(T item, HeldItems<T> own, HeldItems<TOther> others, Func<T, TOther, TOut> make, Ticket? ticket)
    {
        TOut pair;
        try
        {
            if (!others.TryPeek(out Held<TOther>? partner))
            {
                if (own.Count == maxHeld) throw new InvalidOperationException($"{maxHeld:N0} items of this branch wait for partners already, as many as may. Where branches filter, use a join.");
                own.Add(item, 0, isStored);
                ticket?.Settle(Outcome.Completed);   // held now: a pair is a root of its own
                return default;
            }
            pair = make(item, partner.Item);
        }
        catch (Exception e)
        {
            throw Context.Failure(e, item, ticket);
        }
        others.Take();
        ticket?.Settle(Outcome.Completed);
        return EmitAsync(pair, null);
    }
}
