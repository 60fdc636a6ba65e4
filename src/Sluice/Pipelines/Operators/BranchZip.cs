using Sluice.Engine;
using Sluice.Pipelines;
using Sluice.Policies;

namespace Sluice;

public static partial class SourceExtensions
{
    /// <summary>Gives every item to two branches, and pairs their outputs: the first with the first, the second with the second, and so
    /// on.</summary>
    /// <remarks>The items of the branch that is ahead are held until their partners come. In a consecutor they are state, by partition, and
    /// the stage needs a name (<see cref="Stage.Named"/>). If a branch would be more than <paramref name="maxHeld"/> items ahead, the item
    /// fails. Items without a partner at the end of a run are counted as skipped. If branches filter, positions no longer match: pair by
    /// key, with the join.</remarks>
    /// <typeparam name="T">The type of the items.</typeparam>
    /// <typeparam name="TLeft">The type of the left items.</typeparam>
    /// <typeparam name="TRight">The type of the right items.</typeparam>
    /// <typeparam name="TOut">The type of the items made from pairs.</typeparam>
    /// <param name="source">The source of the items.</param>
    /// <param name="left">The left branch.</param>
    /// <param name="right">The right branch.</param>
    /// <param name="function">Makes an item from a pair.</param>
    /// <param name="maxHeld">The number of items held, 1 or more; in a consecutor, of each partition.</param>
    /// <returns>The items made from the pairs. They are new root items.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The number is out of range.</exception>
    [AlsoForPipes]
    public static Source<TOut> Zip<T, TLeft, TRight, TOut>(
        this Source<T> source, Func<Source<T>, Source<TLeft>> left, Func<Source<T>, Source<TRight>> right,
            Func<TLeft, TRight, TOut> function, int maxHeld = 100_000)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(maxHeld, 1);
        var zip = new BranchZipOperator<TLeft, TRight, TOut>(NotNull(function), maxHeld);
        return new BranchPairSource<T, TLeft, TRight, TOut>(NotNull(source), Pipe<T, TLeft>.Of(left), Pipe<T, TRight>.Of(right), zip,
            StageOptions.Default);
    }
}

internal sealed class BranchZipOperator<TLeft, TRight, TOut>(Func<TLeft, TRight, TOut> function, int maxHeld)
    : Operator<Side<TLeft, TRight>, TOut>
{
    public override string Kind => "zip";

    public override Delegate Function => function;

    public override bool Remembers => true;

    public override Inlet<Side<TLeft, TRight>> Create(StageContext context, Inlet<TOut> next)
        => new BranchZipStage<TLeft, TRight, TOut>(context, next, function, maxHeld);
}

/// <summary>Holds the items of the side that is ahead.</summary>
internal sealed class BranchZipStage<TLeft, TRight, TOut>(StageContext context, Inlet<TOut> next, Func<TLeft, TRight, TOut> function,
    int maxHeld)
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
        return item.IsLeft ? PushAsync(item.Left, left, right, function, ticket)
            : PushAsync(item.Right, right, left, (one, other) => function(other, one), ticket);
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
                if (own.Count == maxHeld) throw new InvalidOperationException(
                    $"{maxHeld:N0} items of this branch wait for partners already, as many as may. Where branches filter, use a join.");
                own.Add(item, 0, isStored);
                ticket?.Settle(Outcome.Completed);   // held now: a pair is a root item of its own
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
