using Sluice.Engine;
using Sluice.Pipelines;

namespace Sluice;

public static partial class SourceExtensions
{
    /// <summary>Puts out the result so far for every item: <c>numbers.Scan(0, (sum, n) => sum + n)</c> is the running sum.</summary>
    /// <remarks>Has state, so it does not run in parallel and is not retried; behind <see cref="Stage.KeyBy"/>, every key has a result of
    /// its own. An item whose function fails does not change the result.</remarks>
    /// <param name="source">The source of the items.</param>
    /// <param name="seed">The result before the first item; not put out. All runs and lanes start with this one object: do not change it in
    /// place.</param>
    /// <param name="function">Makes the next result from the previous result and an item.</param>
    /// <param name="schema">In a consecutor: the version of the stored result, and how to read older versions.</param>
    [AlsoForPipes]
    public static Source<TResult> Scan<T, TResult>(this Source<T> source, TResult seed, Func<TResult, T, TResult> function,
        StateSchema<TResult>? schema = null)
        => NotNull(source).Then(new ScanOperator<T, TResult>(seed, NotNull(function), schema));
}

internal sealed class ScanOperator<T, TResult>(TResult seed, Func<TResult, T, TResult> function, StateSchema<TResult>? schema)
    : Operator<T, TResult>
{
    public override string Kind => "scan";

    public override Delegate Function => function;

    public override string Stateful => "remembers the result so far";

    public override bool Remembers => true;

    public override Operator<T, TResult> StoredByKey
        => new StoredByKeyOperator<T, TResult>(this, () => new ScanNode<T, TResult>(seed, function, schema));

    public override StateShape Shape => new(Kind, typeof(TResult), schema?.Version ?? 0);

    public override Inlet<T> Create(StageContext context, Inlet<TResult> next)
        => new ScanStage<T, TResult>(context, next, new(seed, StatefulForms.Of("the scan", seed, schema)), function);
}

internal sealed class ScanStage<T, TResult>(StageContext context, Inlet<TResult> next, RememberedValue<TResult> remembered,
    Func<TResult, T, TResult> function)
    : Stage<T, TResult>(context, next), IStateful
{
    public void Restore(StateReader stored) => remembered.Restore(stored);

    public void Save(StateWriter changes) => remembered.Save(changes);

    public override bool HandsOn => Next.HandsOn;

    public override ValueTask PushAsync(T item, Ticket? ticket)
    {
        Context.In++;
        TResult result;
        try
        {
            remembered.Value = result = function(remembered.Value, item);
        }
        catch (Exception e)
        {
            throw Context.Failure(e, item, ticket);
        }
        return EmitAsync(result, ticket);
    }
}
