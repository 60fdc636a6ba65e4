[assembly: AssemblyFixture(typeof(Sluice.Redis.Tests.SharedServer))]

namespace Sluice.Redis.Tests;

/// <summary>The server that harmless tests share. Each test has its own prefix.</summary>
public sealed class SharedServer : IAsyncLifetime
{
    private static int prefixes;
    private RedisServer? server;

    /// <summary>The server of this test run, for classes that do not get it by injection.</summary>
    internal static SharedServer Current { get; private set; } = null!;

    internal string Address => server!.Address;

    internal string Admin => server!.Admin;

    internal int Port => server!.Port;

    // If several test runs share a machine, a client whose server is down may reach a server of another run. Its prefix keeps the keys
    // apart.
    public static string NewPrefix() => $"t{Environment.ProcessId}-{Interlocked.Increment(ref prefixes)}";

    // The first server serves the whole run. A test class may start a second one, which ends with the class.
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
