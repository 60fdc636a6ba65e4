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
        IConfiguration? all = container.GetService<IConfiguration>();
        root = all?.GetSection("Sluice");
        (OnFailure, Supervisor, Health) = (options.OnFailure, options.Supervisor, options.Health);
        (LogScopes, LogPayloads) = (options.LogScopes, options.LogPayloads);
        if (all is null || root is null) return;
        // The text is not shown: it may be meant as Sluice:Store, and have a password.
        if (root.Value is { Length: > 0 })
            mistakes.Add("Sluice is a section with settings of its own, such as Sluice:Store; it is a text.");
        var read = new SettingsReader(root, mistakes);
        Store = read.Text("Store");
        if (Store is not null && StreamStores.WhyNot(Store) is { } why) read.Wrong("Store", $"cannot be used. {why}");
        OnFailure = read.Choice(OnFailure, "OnFailure", static (HostFailurePolicy _, HostFailurePolicy v) => v);
        LogScopes = read.Flag(LogScopes, "LogScopes", static (_, v) => v);
        LogPayloads = read.Flag(LogPayloads, "LogPayloads", static (_, v) => v);
        Supervisor = SupervisorSettings.Read(read.Section("Supervisor"), Supervisor);
        Health = HealthSettings.Read(read.Section("Health"), Health);
        read.Section("Consecutors");
        read.RefuseOthers();
        mistakes.AddRange(MisspeltSections.Find(all, read.Known));
        Ignored = [.. MisspeltSections.FindNames(all, read.Known)];
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

    /// <summary>Names of the configuration that may be meant as settings, and are none.</summary>
    public IReadOnlyList<string> Ignored { get; } = [];

    private string StoreName => Store is not null ? StreamStores.WithoutSecrets(Store)
        : !HasStore ? "in memory" : options.StoreName ?? "that the code names";

    /// <summary>Whether the configuration or the code names a store.</summary>
    public bool HasStore => Store is not null || options.OpenStore is not null;

    private string? Store { get; }

    /// <summary>Returns what the log calls the store, without secrets. A store that names itself in the form of the settings knows more:
    /// the whole path of its file.</summary>
    /// <param name="opened">The open store.</param>
    public string NameOf(IStreamStore opened)
    {
        string name = StoreName;
        string scheme = name[..(name.IndexOf(':', StringComparison.Ordinal) + 1)];
        return scheme.Length > 0 && opened.ToString() is { } own && own.StartsWith(scheme, StringComparison.Ordinal) ? own : name;
    }

    /// <summary>Opens the store that the configuration names; else the one that the code names, else one in memory.</summary>
    /// <param name="consecutors">The names of all consecutors.</param>
    /// <param name="log">Gets the warnings of the store, unless the code has a handler.</param>
    /// <param name="cancellation">Gives up opening.</param>
    /// <exception cref="StreamStoreException">The store cannot be opened: its text is one line.</exception>
    /// <exception cref="SettingsException">The configuration names a store by a text that cannot be read, or has another mistake that is
    /// known by now.</exception>
    public async ValueTask<IStreamStore> OpenStoreAsync(IReadOnlyCollection<string> consecutors, ILogger log,
        CancellationToken cancellation)
    {
        // A send before the start would make a stream, which keeps its number of partitions for ever.
        Check(consecutors);
        // The options may serve several containers.
        if (options.OnWarning is null or { Target: StoreLog }) options.OnWarning = new StoreLog(log).Warn;
        try
        {
            return Store is not null ? await StreamStores.OpenAsync(Store, options.OnWarning, cancellation).ConfigureAwait(false)
                : options.OpenStore is { } open ? await open(cancellation).ConfigureAwait(false) : new MemoryStreamStore();
        }
        catch (StreamStoreException failure)
        {
            throw new StoreNotOpenedException(Store is null ? failure.Message : $"Sluice:Store cannot be used. {failure.Message}", failure);
        }
        catch (ArgumentException malformed) when (WiringException.IsOfSluice(malformed))
        {
            string why = SettingsReader.Reason(malformed);
            throw Store is null ? new WiringException($"The store cannot be used. {why}", malformed)
                : new SettingsException([$"Sluice:Store cannot be used. {why}"]);
        }
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
            foreach (string name in consecutors.Where(name => name.Contains(':', StringComparison.Ordinal) && named.Has(name)))
                named.Wrong(name, "cannot be read: a colon in the name of a consecutor divides sections. Give the consecutor a name "
                    + "without a colon, or set its options in the code.");
            foreach (string name in named.Names.Where(name => !consecutors.Any(known => IsOf(known, name, named))))
                named.Wrong(name, $"is the name of no consecutor; {SettingsReader.Listed(consecutors)}");
            if (mistakes.Count > 0) throw new SettingsException([.. mistakes.Distinct()]);
        }
    }

    // The configuration has the first part of a name with colons as a section.
    private static bool IsOf(string consecutor, string section, SettingsReader named)
        => consecutor.Equals(section, StringComparison.OrdinalIgnoreCase)
            || (consecutor.StartsWith($"{section}:", StringComparison.OrdinalIgnoreCase) && named.Has(consecutor));

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
