namespace Sluice;

/// <summary>What a service says about Sluice where it configures its container: <c>AddSluice</c> of <c>Sluice.Hosting</c>. Packages of stores extend it: <c>UseRedis</c>, <c>UseSqlite</c>.</summary>
public sealed class SluiceOptions
{
    /// <summary>Opens the store, once, when the service starts; a store in memory unless set.</summary>
    public Func<CancellationToken, ValueTask<IStreamStore>> OpenStore { get; private set; } = static _ => new(new MemoryStreamStore());

    /// <summary>How the service takes part in flows. Its warnings go to the log, and its services come from the container, unless it says otherwise.</summary>
    public SupervisorOptions Supervisor { get; set; } = new();

    /// <summary>Uses a store that is opened when the service starts, and disposed when it has stopped.</summary>
    public SluiceOptions UseStore(Func<CancellationToken, ValueTask<IStreamStore>> open)
    {
        ArgumentNullException.ThrowIfNull(open);
        OpenStore = open;
        return this;
    }
}
