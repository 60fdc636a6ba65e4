using Npgsql;

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

    /// <summary>Connections to the server itself, also for tests of a pooler before it.</summary>
    internal NpgsqlDataSource Direct { get; private set; } = null!;

    internal PostgresServer Server => server!;

    internal static string NewSchema() => $"t{Interlocked.Increment(ref schemas)}";

    public async ValueTask InitializeAsync()
    {
        server = await PostgresServer.StartAsync();
        Direct = NpgsqlDataSource.Create(server.Address + ";Timeout=60;Command Timeout=120");
        Current ??= this;
    }

    public async ValueTask DisposeAsync()
    {
        if (server is null) return;
        await Direct.DisposeAsync();
        await server.DisposeAsync();
    }
}
