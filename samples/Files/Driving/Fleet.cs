using Files.Services;

namespace Files.Driving;

/// <summary>The three services; none where this process does everything.</summary>
internal sealed class Fleet : IAsyncDisposable
{
    private readonly List<Service> services = [];
    private readonly Random random;

    private Fleet(int seed) => random = new(seed);

    public IReadOnlyList<Service> Services => services;

    /// <summary>How often a service was killed by this program.</summary>
    public int Kills { get; private set; }

    /// <summary>Fails when a service cannot be kept at work.</summary>
    public Task Lives => services.Count == 0 ? Task.Delay(Timeout.Infinite) : Task.WhenAny(services.Select(service => service.Life)).Unwrap();

    public static async Task<Fleet> StartAsync(Options options, string run, CancellationToken cancellation)
    {
        var fleet = new Fleet(options.Seed);
        if (!options.Store.IsShared) return fleet;
        Task<Service>[] starting = [.. Roles.All.Select(role => Service.StartAsync(new(role, options.Store, $"{run}-{role}"), cancellation))];
        try
        {
            await Task.WhenAll(starting);
        }
        finally
        {
            foreach (Task<Service> one in starting)
                if (one.IsCompletedSuccessfully) fleet.services.Add(await one);
            if (fleet.services.Count < starting.Length) await fleet.DisposeAsync();
        }
        return fleet;
    }

    /// <summary>Kills one that is at work, by chance.</summary>
    public void Kill()
    {
        int first = random.Next(services.Count);
        for (int i = 0; i < services.Count; i++)
        {
            if (!services[(first + i) % services.Count].Kill()) continue;
            Kills++;
            return;
        }
    }

    public void Measure()
    {
        foreach (Service service in services) service.Measure();
    }

    public async ValueTask DisposeAsync() => await Task.WhenAll(services.Select(service => service.DisposeAsync().AsTask()));
}
