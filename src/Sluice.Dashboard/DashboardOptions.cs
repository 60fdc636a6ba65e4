using Sluice.Flows;
using Sluice.Graphs;

namespace Sluice.Dashboard;

/// <summary>What the dashboard shows besides what the host has registered, and who may do what.</summary>
/// <remarks>
/// Consecutors, pipelines, producers, graphs, stores and supervisors that <c>AddSluice</c> has registered are shown without being named
/// here. What is named twice is shown once, under its first name.
/// </remarks>
public sealed record DashboardOptions
{
    /// <summary>Consecutors that were made by hand. Their stores are shown, too.</summary>
    public IReadOnlyList<IConsecutor> Consecutors { get; init; } = [];

    /// <summary>Stores to show, by a name for each: 1 to 60 letters, digits, dots, hyphens and underscores.</summary>
    public IReadOnlyDictionary<string, IStreamStore> Stores { get; init; } = new Dictionary<string, IStreamStore>();

    /// <summary>Runs of pipelines that were started by hand, by a name for each.</summary>
    public IReadOnlyDictionary<string, PipelineRun> Runs { get; init; } = new Dictionary<string, PipelineRun>();

    /// <summary>
    /// Graphs that were built by hand. Their resolves are recorded from the time when the dashboard is mapped until the program stops.
    /// </summary>
    public IReadOnlyList<IGraph> Graphs { get; init; } = [];

    /// <summary>
    /// Whether scopes of steps (<see cref="StepScope"/>) are recorded, from the time when the dashboard is mapped until the program stops;
    /// true by default. All scopes of the process are, by their names: those that end, with the calls of the first 100 in a second.
    /// </summary>
    public bool RecordsSteps { get; init; } = true;

    /// <summary>Supervisors, which cancel runs of flows and start them again.</summary>
    public IReadOnlyList<Supervisor> Supervisors { get; init; } = [];

    /// <summary>Whether nothing can be changed; false by default.</summary>
    public bool ReadOnly { get; init; }

    /// <summary>
    /// The authorization policy that a user must meet to change something; null by default, and then everybody who sees the pages may. Who
    /// sees them is for <c>MapSluice(…).RequireAuthorization(…)</c> to say.
    /// </summary>
    public string? OperatorPolicy { get; init; }

    /// <summary>
    /// Whether requests from other machines are answered although the endpoints require no authorization; false by default. Set it only
    /// where a proxy in front of the program decides who may use it.
    /// </summary>
    public bool AllowRemoteWithoutAuthorization { get; init; }

    /// <summary>
    /// The names under which the program may be asked for, besides those of this machine, such as <c>ops.example.com</c>: without a scheme
    /// and a port. Without any,
    /// requests that require authorization may use every name.
    /// </summary>
    public IReadOnlyList<string> Hosts { get; init; } = [];

    /// <summary>
    /// Replaces payloads before they are shown, for those that nobody should see: it gets the name of the stream and the payload as text.
    /// Null shows them as they are. If it throws, the payload is not shown. It may be called by several threads.
    /// </summary>
    /// <remarks>Payloads that are masked cannot be edited, nor searched.</remarks>
    public Func<string, string, string>? MaskPayload { get; init; }

    /// <summary>The least time between two looks at the same thing; 100 ms to a minute, by default a second.</summary>
    public TimeSpan RefreshInterval { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>The clock; by default the system's.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>
    /// Opens the store that <see cref="Stores"/> has under a name, for one change; it is disposed after the change. Set it where
    /// <see cref="Stores"/> has stores for reading only. By default null: changes go to the store that is read. It may be called by
    /// several threads.
    /// </summary>
    public Func<string, CancellationToken, ValueTask<IStreamStore>>? OpenToChange { get; init; }

    /// <summary>How long a page waits for a look at a store, and then shows what was seen before; and for what it reads itself, and then
    /// asks whether the store answers.</summary>
    internal TimeSpan LookTimeout { get; init; } = TimeSpan.FromSeconds(1);

    internal void Check()
    {
        ArgumentNullException.ThrowIfNull(Time);
        ArgumentOutOfRangeException.ThrowIfLessThan(RefreshInterval, TimeSpan.FromMilliseconds(100));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(RefreshInterval, TimeSpan.FromMinutes(1));
        foreach (string host in Hosts)
            if (host.Length == 0 || host.Contains('/', StringComparison.Ordinal)
                || (host.Contains(':', StringComparison.Ordinal) && !(host.StartsWith('[') && host.EndsWith(']'))))
                throw new ArgumentException("A name in DashboardOptions.Hosts has no scheme and no port, as ops.example.com or [fe80::1]; "
                    + $"this one is '{host}'.", nameof(Hosts));
        foreach (string name in Stores.Keys)
            if (name.Length is 0 or > 60 || !name.All(static c => char.IsAsciiLetterOrDigit(c) || c is '.' or '-' or '_'))
                throw new ArgumentException(
                    $"A store of the dashboard has a name of 1 to 60 letters, digits, dots, hyphens and underscores; this one is '{name}'.",
                    nameof(Stores));
    }
}
