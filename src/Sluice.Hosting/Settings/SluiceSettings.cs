using Microsoft.Extensions.Configuration;

namespace Sluice.Hosting;

/// <summary>The section <c>Sluice</c> of the configuration, over what the code gives.</summary>
/// <remarks>Used while the host makes its objects; thread-safe.</remarks>
internal sealed class SluiceSettings(SluiceOptions options, IServiceProvider container)
{
    private readonly Lock sync = new();
    private readonly List<string> mistakes = [];

    private IConfigurationSection? Root => container.GetService<IConfiguration>()?.GetSection("Sluice");

    /// <summary>The store, without secrets, for the log.</summary>
    public string StoreName => Root?["Store"] is { Length: > 0 } named ? StreamStores.WithoutSecrets(named) : "that the code names";

    /// <summary>Opens the store that the configuration names; else the one that the code names, else one in memory.</summary>
    public ValueTask<IStreamStore> OpenStoreAsync(CancellationToken cancellation)
        => Root?["Store"] is { Length: > 0 } named ? StreamStores.OpenAsync(named, cancellation) : options.OpenStore(cancellation);

    /// <summary>Returns the options of a consecutor, changed by <c>Sluice:Consecutors:NAME</c>.</summary>
    public ConsecutorOptions Consecutor(string name, ConsecutorOptions given)
    {
        if (Root is not { } root) return given;
        lock (sync) return ConsecutorSettings.Read(new(root.GetSection("Consecutors").GetSection(name), mistakes), given);
    }

    /// <summary>The supervisor's options, changed by <c>Sluice:Supervisor</c>.</summary>
    public SupervisorOptions Supervisor
        => Root is { } root ? SupervisorSettings.Read(new(root.GetSection("Supervisor"), []), options.Supervisor) : options.Supervisor;

    /// <summary>The limits of health checks, changed by <c>Sluice:Health</c>.</summary>
    public HealthOptions Health
        => Root is { } root ? HealthSettings.Read(new(root.GetSection("Health"), []), options.Health) : options.Health;

    /// <summary>Refuses what is wrong. Called when everything was read.</summary>
    /// <param name="consecutors">The names of all consecutors.</param>
    /// <exception cref="SettingsException">Settings are wrong.</exception>
    public void Check(IReadOnlyCollection<string> consecutors)
    {
        if (Root is not { } root) return;
        lock (sync)
        {
            var read = new SettingsReader(root, mistakes);
            if (read.Text("Store") is { Length: > 0 } store && StreamStores.WhyNot(store) is { } why)
                read.Wrong("Store", $"cannot be used. {why}");
            if (read.Text("OnFailure") is { Length: > 0 } policy && SettingsReader.Choice<HostFailurePolicy>(policy) is null)
                read.Wrong("OnFailure", $"is '{policy}'; it must be StopHost or Degrade.");
            SupervisorSettings.Read(read.Section("Supervisor"), options.Supervisor);
            HealthSettings.Read(read.Section("Health"), options.Health);
            SettingsReader named = read.Section("Consecutors");
            foreach (string name in named.Names.Where(name => !consecutors.Contains(name, StringComparer.OrdinalIgnoreCase)))
                named.Wrong(name, $"is the name of no consecutor; {SettingsReader.Listed(consecutors)}");
            read.RefuseOthers();
            if (mistakes.Count > 0) throw new SettingsException([.. mistakes]);
        }
    }

    /// <summary>What happens when a unit fails for good.</summary>
    public HostFailurePolicy OnFailure
        => Root?["OnFailure"] is { Length: > 0 } text && SettingsReader.Choice<HostFailurePolicy>(text) is { } chosen ? chosen
            : options.OnFailure;
}
