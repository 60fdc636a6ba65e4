namespace Sluice.Pipelines;

/// <summary>A map that can be the only stage of a branch.</summary>
internal interface IRoutedMap<T>
{
    /// <summary>One stage for a route, if each branch is one map of this type and all lead to the same inlet; null otherwise.</summary>
    FanOut<T>? TryFuse(StageContext context, Inlet<T>[] branches, BranchChoice<T> choice);
}

/// <summary>
/// A route over branches of one map each that merge again, as one stage: it chooses a function and pushes once. A route over four branches
/// takes 0.21 of the time of Rx (docs/reports/performance.md, scenario <c>route</c>). As five stages it takes 1.6 times as long, with large
/// differences between runs (docs/reports/performance.md, what each fusion saves).
/// </summary>
internal sealed class RouteRun<T, TOut> : FanOut<T>
{
    private readonly BranchChoice<T> choice;
    private readonly SelectStage<T, TOut>[] maps;
    private readonly Func<T, TOut>[] functions;
    private readonly Inlet<TOut> next;

    public RouteRun(StageContext context, SelectStage<T, TOut>[] maps, BranchChoice<T> choice) : base(context, maps)
    {
        (this.choice, this.maps, next) = (choice, maps, maps[0].Next);
        functions = Array.ConvertAll(maps, map => map.Function);
    }

    public override ValueTask PushAsync(T item, Ticket? ticket)
    {
        Context.In++;
        int index = -1;
        TOut result;
        try
        {
            index = choice.IndexOf(item);
            maps[index].Context.In++;
            result = functions[index](item);
        }
        catch (Exception e)
        {
            if (index >= 0) throw maps[index].Context.Failure(e, item, ticket);
            Context.GiveUp(e, item, ticket);
            return default;
        }
        return next.PushAsync(result, ticket);
    }
}
