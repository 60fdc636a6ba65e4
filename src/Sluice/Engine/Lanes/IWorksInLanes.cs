namespace Sluice.Engine;

/// <summary>
/// An operator that can work in the lanes of the stage before it: each lane has a part, which puts its only output out when the lane
/// completes, and behind the lanes stands an end that takes these outputs.
/// </summary>
internal interface IWorksInLanes<TIn, TOut>
{
    /// <summary>Makes the last inlet of a lane.</summary>
    Inlet<TIn> CreatePart(StageContext context, Inlet<TOut> outlet);

    /// <summary>Makes the inlet behind the lanes.</summary>
    Inlet<TOut> CreateEnd(StageContext context, Inlet<TOut> next);
}
