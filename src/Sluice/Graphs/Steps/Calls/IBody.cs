namespace Sluice.Graphs;

/// <summary>The running body of a step, in the execution context of its call.</summary>
internal interface IBody
{
    ICall Call { get; }

    /// <summary>Its permit; null without a limit.</summary>
    LimitPermit? Permit { get; }
}
