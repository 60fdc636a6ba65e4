[assembly: AssemblyFixture(typeof(Sluice.PostgreSql.Tests.SharedServer))]

namespace Sluice.PostgreSql.Tests;

/// <summary>The server that harmless tests share. Each test has its own schema.</summary>
public sealed class SharedServer : IAsyncLifetime
{
    private static int schemas;
    private PostgresServer? server;

    /// <summary>The server of this test run, for classes that do not get it by injection.</summary>
    internal static SharedServer Current { get; private set; } = null!;

    internal string Address => server!.Address;

    internal PostgresServer Server => server!;

    internal static string NewSchema() => $"t{Interlocked.Increment(ref schemas)}";

    public async ValueTask InitializeAsync()
    {
        server = await PostgresServer.StartAsync();
        Current ??= this;
    }

    public async ValueTask DisposeAsync()
    {
        if (server is not null) await server.DisposeAsync();
    }
}
