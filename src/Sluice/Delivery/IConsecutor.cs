using Sluice.Diagnostics;
using Sluice.Topologies;

namespace Sluice;

/// <summary>A <see cref="Consecutor{T}"/> of any type of items: what dashboards, health checks and scripts need to watch and control
/// it.</summary>
/// <remarks>Thread-safe. A host (<c>AddSluice</c>) registers each of its consecutors as a service of this type, too.</remarks>
public interface IConsecutor
{
    /// <inheritdoc cref="Consecutor{T}.Name"/>
    string Name { get; }

    /// <inheritdoc cref="Consecutor{T}.Topology"/>
    Topology Topology { get; }

    /// <summary>The store of its accepted items; a store in memory that belongs to the consecutor if none was given.</summary>
    IStreamStore Store { get; }

    /// <inheritdoc cref="Consecutor{T}.Completion"/>
    Task Completion { get; }

    /// <inheritdoc cref="Consecutor{T}.Snapshot"/>
    ConsecutorSnapshot Snapshot();

    /// <inheritdoc cref="Consecutor{T}.PauseAsync"/>
    Task PauseAsync(CancellationToken cancellation = default);

    /// <inheritdoc cref="Consecutor{T}.DrainAsync"/>
    Task DrainAsync(CancellationToken cancellation = default);

    /// <inheritdoc cref="Consecutor{T}.ResumeAsync"/>
    Task ResumeAsync(CancellationToken cancellation = default);

    /// <inheritdoc cref="Consecutor{T}.StopAsync"/>
    Task<bool> StopAsync(TimeSpan? deadline = null, CancellationToken cancellation = default);
}
