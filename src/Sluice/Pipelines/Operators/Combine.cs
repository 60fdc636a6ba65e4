using Sluice.Pipelines;

namespace Sluice;

public static partial class SourceExtensions
{
    /// <summary>Puts out one result, at the end, for which the order of the items does not matter:
    /// <c>numbers.Aggregate(0L, (sum, n) => sum + n, (sum, other) => sum + other)</c> is the sum. Directly behind a stage with
    /// <see cref="Stage.Parallel"/>, each lane of that stage has a result of its own, and the results are combined at the end.</summary>
    /// <remarks>
    /// <para>In lanes, the items of a lane come in their order, but a lane gets any of the items, and the results are combined in any
    /// order. So <paramref name="combine"/> must be associative and commutative, and the seed must change nothing when it is combined.
    /// Sums of fractions can differ in their last digits from run to run. Without <paramref name="combine"/> items are taken in
    /// order.</para>
    /// <para>There are no lanes, and <paramref name="combine"/> is not called, if no parallel stage stands directly before it, if the
    /// stage is annotated with <see cref="Stage.OnError"/> or <see cref="Stage.Log"/>, in single-thread mode, in a run with
    /// <see cref="RunOptions.BeginItem"/>, behind <see cref="Stage.KeyBy"/>, where every key has a result of its own, and in a consecutor,
    /// which stores the state of each partition.</para>
    /// <para>A run that is drained puts out the result of the items so far; a run that is cancelled or has failed puts out no
    /// result.</para>
    /// </remarks>
    /// <param name="source">The source of the items.</param>
    /// <param name="seed">The result if there are no items. All runs and lanes start with this one object: do not change it in
    /// place.</param>
    /// <param name="accumulate">Makes the next result from the previous result and an item. Several lanes call it at the same
    /// time.</param>
    /// <param name="combine">Makes one result of two. Not called at the same time as another call of it.</param>
    /// <param name="schema">In a consecutor: the version of the stored result, and how to read older versions.</param>
    [AlsoForPipes]
    public static Source<TResult> Aggregate<T, TResult>(this Source<T> source, TResult seed, Func<TResult, T, TResult> accumulate,
        Func<TResult, TResult, TResult> combine, StateSchema<TResult>? schema = null)
        => NotNull(source).Then(new CombineOperator<T, TResult>(() => seed, NotNull(accumulate), NotNull(combine), schema));

    /// <summary>Puts out one result, at the end, for which the order of the items does not matter. The result may be an object that
    /// <paramref name="accumulate"/> changes in place: each lane makes one.</summary>
    /// <remarks><inheritdoc cref="Aggregate{T, TResult}(Source{T}, TResult, Func{TResult, T, TResult}, Func{TResult, TResult, TResult},
    /// StateSchema{TResult})" path="/remarks"/></remarks>
    /// <param name="source">The source of the items.</param>
    /// <param name="seed">Makes the result to begin with. Called once for each lane that gets an item, and once if there are no
    /// items.</param>
    /// <param name="accumulate">Makes the next result from the previous result and an item. Several lanes call it at the same
    /// time.</param>
    /// <param name="combine">Makes one result of two, and may change both. Not called at the same time as another call of it.</param>
    /// <param name="schema">In a consecutor: the version of the stored result, and how to read older versions.</param>
    [AlsoForPipes]
    public static Source<TResult> Aggregate<T, TResult>(this Source<T> source, Func<TResult> seed, Func<TResult, T, TResult> accumulate,
        Func<TResult, TResult, TResult> combine, StateSchema<TResult>? schema = null)
        => NotNull(source).Then(new CombineOperator<T, TResult>(NotNull(seed), NotNull(accumulate), NotNull(combine), schema));
}

/// <summary>Folds items into a state, in the lanes of the stage before it if it has lanes.</summary>
internal sealed class CombineOperator<T, TState>(Func<TState> seed, Func<TState, T, TState> accumulate,
    Func<TState, TState, TState> combine, StateSchema<TState>? schema) : Operator<T, TState>, IWorksInLanes<T, TState>
{
    public override string Kind => "aggregate";

    public override Delegate Function => accumulate;

    public override string Stateful => "remembers the result so far";

    public override bool EndsItems => true;

    public override bool Remembers => true;

    public override StateShape Shape => new(Kind, typeof(TState), schema?.Version ?? 0);

    public override Operator<T, TState> StoredByKey
        => new StoredByKeyOperator<T, TState>(this,
            () => new AggregateNode<T, TState, TState>(seed, accumulate, static state => state, schema));

    public override Inlet<T> Create(StageContext context, Inlet<TState> next)
    {
        if (context.Scope is null) return new AccumulateStage<T, TState>(context, next, seed, accumulate, isPart: false);
        TState first;                                // of a partition, to be stored
        try
        {
            first = seed();
        }
        catch (Exception e)
        {
            throw context.Failure(e);
        }
        return new AggregateStage<T, TState, TState>(context, next, new(first, StatefulForms.Of($"the {Kind}", first, schema)), accumulate,
            static state => state);
    }

    public Inlet<T> CreatePart(StageContext context, Inlet<TState> outlet)
        => new AccumulateStage<T, TState>(context, outlet, seed, accumulate, isPart: true);

    public Inlet<TState> CreateEnd(StageContext context, Inlet<TState> next) => new CombineStage<TState>(context, next, seed, combine);
}

/// <summary>Combines the states of lanes, one after the other, when the lanes complete. It puts out the result.</summary>
/// <remarks>It counts the output of the node; the lanes count the items.</remarks>
internal sealed class CombineStage<TState>(StageContext context, Inlet<TState> next, Func<TState> seed,
    Func<TState, TState, TState> combine) : Stage<TState, TState>(context, next)
{
    private TState result = default!;
    private bool hasResult;

    public override ValueTask PushAsync(TState item, Ticket? ticket)
    {
        Context.Run.ThrowIfStopping();
        try
        {
            result = hasResult ? combine(result, item) : item;
        }
        catch (Exception e)
        {
            throw Context.Failure(e);
        }
        hasResult = true;
        return default;
    }

    protected override async ValueTask OnCompleteAsync()
    {
        Context.Run.ThrowIfStopping();
        if (!hasResult) Begin();
        await EmitAsync(result, null);
        await Next.CompleteAsync();
    }

    private void Begin()
    {
        try
        {
            result = seed();
        }
        catch (Exception e)
        {
            throw Context.Failure(e);
        }
    }
}
