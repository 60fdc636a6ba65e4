using Sluice.Flows;

namespace Sluice.Hosting;

/// <summary>
/// The options of <c>AddSluice</c> (<c>Sluice.Hosting</c>): the store and the supervisor of a service. Store packages extend it with
/// <c>UseRedis</c>, <c>UsePostgres</c>, <c>UseSqlite</c>. The section <c>Sluice</c> of the configuration has precedence over what the code
/// says.
/// </summary>
public sealed class SluiceOptions
{
    /// <summary>Opens the store; called once, when the service starts. Null, the default: the store that the configuration names, or else
    /// one in memory, and the host warns of that.</summary>
    public Func<CancellationToken, ValueTask<IStreamStore>>? OpenStore { get; private set; }

    /// <summary>What the log calls the store: its kind and its place, without secrets. Null if the code has not said it.</summary>
    public string? StoreName { get; private set; }

    /// <summary>The options of the supervisor. By default, warnings go to the log and services come from the container.</summary>
    public SupervisorOptions Supervisor { get; set; } = new();

    /// <summary>
    /// Receives the warnings of the store that <c>UseRedis</c>, <c>UsePostgres</c> or the configuration names, on any thread, unless the
    /// options of the store have a handler. Default: the log of the host. Consecutors and the supervisor have handlers of their own.
    /// </summary>
    public Action<string>? OnWarning { get; set => field = AsyncVoid.RefuseCallback(value, "SluiceOptions.OnWarning"); }

    /// <summary>What the host does when a consecutor, a pipeline or a producer has failed for good; it stops by default.</summary>
    public HostFailurePolicy OnFailure { get; set; }

    /// <summary>The limits beyond which the health check reports <c>Degraded</c>.</summary>
    public HealthOptions Health { get; set; } = new();

    /// <summary>
    /// Whether log entries that code in a node writes get a scope with <c>Run</c> (the consecutor or pipeline), <c>Node</c> and
    /// <c>ItemId</c>. Off by default: then a scope costs nothing. On, it costs two or three objects for each item and node, and nodes are
    /// not fused.
    /// </summary>
    public bool LogScopes { get; set; }

    /// <summary>Whether the log and the health checks may contain items, in the text of failures. Off by default. Exceptions of your own
    /// code appear in any case, with their messages.</summary>
    public bool LogPayloads { get; set; }

    /// <summary>Uses a store in memory: what the service accepts is lost when its process ends. For tests and samples.</summary>
    public SluiceOptions UseMemory() => UseStore(static _ => new(new MemoryStreamStore()), "in memory");

    /// <summary>Uses this store. The service opens it at its start, and disposes it after its stop.</summary>
    /// <param name="open">Opens the store.</param>
    /// <param name="name">What the log calls the store (<see cref="StoreName"/>). It must hold no secrets.</param>
    public SluiceOptions UseStore(Func<CancellationToken, ValueTask<IStreamStore>> open, string? name = null)
    {
        ArgumentNullException.ThrowIfNull(open);
        (OpenStore, StoreName) = (open, name);
        return this;
    }
}
