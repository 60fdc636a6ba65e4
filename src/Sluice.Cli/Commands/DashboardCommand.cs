using System.Globalization;
using System.Net.Sockets;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Sluice.Dashboard;

namespace Sluice.Cli.Commands;

/// <summary><c>sluice dashboard STORE</c>.</summary>
/// <remarks>It reads the store as every other command does, and opens it for changes only while one is made: a service that starts finds a
/// SQLite file free.</remarks>
internal static class DashboardCommand
{
    private const string Name = "store";

    private static readonly Option<int> Port = NumberOption.Of("--port", "N",
        "The port of this machine at which it listens; 0 takes a free one.", 5480);

    private static readonly Option<bool> ReadOnly = new("--read-only") { Description = "Change nothing." };

    public static Command Create() => CommandRun.Create("dashboard",
        "Serves the dashboard of a store to browsers of this machine, at the address it prints, and goes on until Ctrl+C.", RunAsync,
        Port, ReadOnly);

    private static async Task<int> RunAsync(CommandRun command)
    {
        int port = command.Value(Port);
        if (port is < 0 or > 65_535) throw CommandException.Usage($"--port is 0 to 65535, not {port}.");
        await using IStreamStore store = await command.OpenAsync();
        var token = new DashboardToken();
        await using WebApplication app = Create(command, store, port, token);
        try
        {
            await app.StartAsync(command.Cancellation);
        }
        catch (Exception e) when (e is IOException or SocketException)
        {
            bool isUsed = e is { InnerException: AddressInUseException };
            throw CommandException.Usage($"Port {port.ToString(CultureInfo.InvariantCulture)} of this machine is not free"
                + $"{(isUsed ? "" : $" for this user ({e.Message})")}: choose another one with --port, or --port 0 for any.");
        }
        string address = token.In(app.Urls.First() + "/sluice");
        if (command.Screen.IsJson) command.Screen.Json(new Dictionary<string, object> { ["address"] = address });
        else command.Screen.Line($"{address}   (Ctrl+C ends)");
        await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, command.Cancellation)
            .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await app.StopAsync(CancellationToken.None);
        return ExitCodes.Fine;
    }

    private static WebApplication Create(CommandRun command, IStreamStore store, int port, DashboardToken token)
    {
        // The settings in this directory and in the environment are those of a service: its addresses, its allowed hosts. Other builders
        // read them, and watch all directories below this one for changes.
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new() { ContentRootPath = AppContext.BaseDirectory });
        builder.WebHost.UseKestrelCore();
        builder.Services.AddRoutingCore();
        builder.Logging.ClearProviders();
        builder.Services.AddSingleton<IHostLifetime, OwnLifetime>();           // the command handles signals
        builder.Services.Configure<HostOptions>(static options => options.ShutdownTimeout = TimeSpan.FromSeconds(2));
        builder.WebHost.UseUrls($"http://127.0.0.1:{port.ToString(CultureInfo.InvariantCulture)}");
        WebApplication app = builder.Build();
        app.Use(next => context => token.AnswerAsync(context, next));
        app.MapSluice("/sluice", new()
        {
            Stores = new Dictionary<string, IStreamStore> { [Name] = store },
            ReadOnly = command.Value(ReadOnly),
            OpenToChange = (_, cancellation) => StreamStores.OpenToChangeAsync(command.StoreText, cancellation),
        });
        app.MapGet("/", static context =>
        {
            context.Response.Redirect("/sluice");
            return Task.CompletedTask;
        });
        return app;
    }

    private sealed class OwnLifetime : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
