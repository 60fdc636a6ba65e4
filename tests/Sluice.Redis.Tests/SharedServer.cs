[assembly: AssemblyFixture(typeof(Sluice.Redis.Tests.SharedServer))]

namespace Sluice.Redis.Tests;

/// <summary>The server of all tests that do it no harm; each has a prefix of its own.</summary>
public sealed class SharedServer : IAsyncLifetime
{
    private static int prefixes;
    private RedisServer? server;

    /// <summary>The one of this test run, for those whose class is not given it.</summary>
    internal static SharedServer Current { get; private set; } = null!;

    internal string Address => server!.Address;

    internal int Port => server!.Port;

    // Where several of these programs run, a client whose own server is down may reach another one's that has got its port: not the keys of
    // its tests, too.
    public static string NewPrefix() => $"t{Environment.ProcessId}-{Interlocked.Increment(ref prefixes)}";

    // The first server serves the whole run; a test class may start a second one, which ends with the class.
    public async ValueTask InitializeAsync()
    {
        server = await RedisServer.StartAsync();
        Current ??= this;
    }

    public async ValueTask DisposeAsync()
    {
        if (server is not null) await server.DisposeAsync();
    }
}
