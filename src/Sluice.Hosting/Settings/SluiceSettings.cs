using Microsoft.Extensions.Configuration;

namespace Sluice.Hosting;

/// <summary>The section <c>Sluice</c> of the configuration, over what the code gives.</summary>
/// <remarks>Thread-safe. Each setting is read once: a change of the configuration while the host runs has no effect.</remarks>
internal sealed class SluiceSettings
{
    private readonly SluiceOptions options;
    private readonly IConfigurationSection? root;
    private readonly Lock sync = new();
    private readonly List<string> mistakes = [];     // under sync

    public SluiceSettings(SluiceOptions options, IServiceProvider container)
    {
        this.options = options;
        root = container.GetService<IConfiguration>()?.GetSection("Sluice");
        (OnFailure, Supervisor, Health) = (options.OnFailure, options.Supervisor, options.Health);
        (LogScopes, LogPayloads) = (options.LogScopes, options.LogPayloads);
        if (root is null) return;
        var read = new SettingsReader(root, mistakes);
        Store = read.Text("Store") is { Length: > 0 } store ? store : null;
        if (Store is not null && StreamStores.WhyNot(Store) is { } why) read.Wrong("Store", $"cannot be used. {why}");
        OnFailure = read.Choice(OnFailure, "OnFailure", static (HostFailurePolicy _, HostFailurePolicy v) => v);
        LogScopes = read.Flag(LogScopes, "LogScopes", static (_, v) => v);
        LogPayloads = read.Flag(LogPayloads, "LogPayloads", static (_, v) => v);
        Supervisor = SupervisorSettings.Read(read.Section("Supervisor"), Supervisor);
        Health = HealthSettings.Read(read.Section("Health"), Health);
        read.Section("Consecutors");
        read.RefuseOthers();
    }

    /// <summary>What happens when a unit fails for good.</summary>
    public HostFailurePolicy OnFailure { get; }

    /// <summary>The supervisor's options, changed by <c>Sluice:Supervisor</c>.</summary>
    public SupervisorOptions Supervisor { get; }

    /// <summary>The limits of health checks, changed by <c>Sluice:Health</c>.</summary>
    public HealthOptions Health { get; }

    /// <summary>Whether nodes have scopes for logs.</summary>
    public bool LogScopes { get; }

    /// <summary>Whether logs and health checks may contain items.</summary>
    public bool LogPayloads { get; }

    /// <summary>Returns the text of the opened store for the log, without secrets.</summary>
    public string NameOf(IStreamStore opened)
        => Store is not null ? StreamStores.WithoutSecrets(Store) : HasStore ? $"{opened}" : "in memory";

    /// <summary>Whether the configuration or the code names a store.</summary>
    public bool HasStore => Store is not null || options.OpenStore is not null;

    private string? Store { get; }

    /// <summary>Opens the store that the configuration names; else the one that the code names, else one in memory.</summary>
    /// <param name="log">Gets the warnings of the store, unless the code has a handler.</param>
    /// <param name="cancellation">Gives up opening.</param>
    public ValueTask<IStreamStore> OpenStoreAsync(ILogger log, CancellationToken cancellation)
    {
        // The options may serve several containers.
        if (options.OnWarning is null or { Target: StoreLog }) options.OnWarning = new StoreLog(log).Warn;
        return Store is not null ? StreamStores.OpenAsync(Store, options.OnWarning, cancellation)
            : options.OpenStore?.Invoke(cancellation) ?? new(new MemoryStreamStore());
    }

    /// <summary>Returns the options of a consecutor, changed by <c>Sluice:Consecutors:NAME</c>.</summary>
    public ConsecutorOptions Consecutor(string name, ConsecutorOptions given)
    {
        if (root is null) return given;
        lock (sync) return ConsecutorSettings.Read(new SettingsReader(root.GetSection("Consecutors"), mistakes).Section(name), given);
    }

    /// <summary>Refuses wrong settings. Called when all consecutors are made.</summary>
    /// <param name="consecutors">The names of all consecutors.</param>
    /// <exception cref="SettingsException">Settings are wrong.</exception>
    public void Check(IReadOnlyCollection<string> consecutors)
    {
        if (root is null) return;
        lock (sync)
        {
            var named = new SettingsReader(root.GetSection("Consecutors"), mistakes);
            foreach (string name in named.Names.Where(name => !consecutors.Contains(name, StringComparer.OrdinalIgnoreCase)))
                named.Wrong(name, $"is the name of no consecutor; {SettingsReader.Listed(consecutors)}");
            if (mistakes.Count > 0) throw new SettingsException([.. mistakes.Distinct()]);
        }
    }

    /// <summary>Returns what logs and health checks say about a failure: the place, and the exception, without the item.</summary>
    public (string Where, Exception Cause) Describe(Exception failure)
        => !LogPayloads && failure is PipelineException { InnerException: { } cause } known ? ($", at the node '{known.Node}'", cause)
            : ("", failure);
}

/// <summary>Writes the warnings of a store to the log of a host.</summary>
internal sealed class StoreLog(ILogger log)
{
    public void Warn(string text) => HostLog.Warned(log, text);
}
