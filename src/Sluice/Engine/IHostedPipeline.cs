namespace Sluice;

/// <summary>A pipeline that a host runs, or a producer of a consecutor: what dashboards and scripts need to watch it.</summary>
/// <remarks>Thread-safe. A host (<c>AddSluice</c>) registers each of its pipelines and producers as a service of this type.</remarks>
public interface IHostedPipeline
{
    /// <summary>Its name; of a producer <c>a producer of orders</c>. Several may have one name.</summary>
    string Name { get; }

    /// <summary>Its run, also when it has ended; null until the host has started it.</summary>
    PipelineRun? Run { get; }
}
