using Files.Services;

namespace Files.Driving;

/// <summary>The three services; none where this process does everything.</summary>
internal sealed class Fleet : IAsyncDisposable
{
    private readonly Service[] services;
    private readonly Random random;

    /// <summary>Begins to start them.</summary>
    public Fleet(Options options, string run)
    {
        random = new(options.Seed);
        services = options.Store.IsShared ? [.. Roles.All.Select(role => new Service(new(role, options.Store, $"{run}-{role}")))] : [];
    }

    public IReadOnlyList<Service> Services => services;

    /// <summary>How often a service was killed by this program.</summary>
    public int Kills { get; private set; }

    /// <summary>Fails when a service cannot be kept at work.</summary>
    public Task Lives => services.Length == 0 ? Task.Delay(Timeout.Infinite)
        : Task.WhenAny(services.Select(service => service.Life)).Unwrap();

    /// <summary>Waits until all are at work.</summary>
    /// <exception cref="ServiceFailedException">One cannot be started: says why.</exception>
    public async Task ReadyAsync(CancellationToken cancellation)
    {
        foreach (Service service in services) await await Task.WhenAny(service.Ready, Lives).WaitAsync(cancellation);
    }

    /// <summary>Kills one that is at work, by chance.</summary>
    public void Kill()
    {
        int first = random.Next(services.Length);
        for (int i = 0; i < services.Length; i++)
        {
            if (!services[(first + i) % services.Length].Kill()) continue;
            Kills++;
            return;
        }
    }

    public void Measure()
    {
        foreach (Service service in services) service.Measure();
    }

    /// <summary>Ends them all at once, for good.</summary>
    public void End()
    {
        foreach (Service service in services) service.End();
    }

    public async ValueTask DisposeAsync() => await Task.WhenAll(services.Select(service => service.DisposeAsync().AsTask()));
}
