using System.Diagnostics;
using System.Net.Sockets;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Console;
using Npgsql;
using Sluice.Dashboard;
using Sluice.Hosting;
using Sluice.PostgreSql;
using Sluice.Storage;

namespace Orders.Shop;

/// <summary>A service of the shop. Any number of them share the database: each takes orders, and each ships a part of them.</summary>
internal static class Service
{
    /// <summary>Serves until it is told to stop.</summary>
    /// <exception cref="UserMistake">The database cannot be reached, or the address not listened at.</exception>
    public static async Task RunAsync(ServeOptions options, CancellationToken stop)
    {
        await using NpgsqlDataSource database = NpgsqlDataSource.Create(options.Database);
        try
        {
            await PrepareAsync(database, options, stop);
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            return;
        }

        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Services.Configure<ConsoleLoggerOptions>(static console => console.LogToStandardErrorThreshold = LogLevel.Trace);
        builder.Logging.AddSimpleConsole(static console => console.SingleLine = true).SetMinimumLevel(LogLevel.Warning);
        builder.WebHost.UseUrls(options.Urls);
        builder.Services.ConfigureHttpJsonOptions(json => json.SerializerOptions.TypeInfoResolverChain.Insert(0, OrdersJson.Default));
        builder.Services.AddSingleton(database).AddSingleton<Desk>();
        builder.Services.AddSluice(sluice => sluice.UsePostgres(options.Database, new PostgresStoreOptions { Schema = options.Queue }))
            .AddConsecutor<OrderPlaced>(Warehouse.Name, (_, source) => Warehouse.Body(source), Warehouse.Configure,
                key: order => order.Product);

        await using WebApplication app = builder.Build();
        app.MapPost("/orders", PlaceAsync);
        app.MapSluice("/sluice");
        app.MapSluiceHealth();
        try
        {
            await app.StartAsync(stop);
        }
        catch (OperationCanceledException)
        {
            return;                                      // told to stop while it started
        }
        catch (Exception cause) when (cause is IOException or SocketException or FormatException)
        {
            throw new UserMistake($"--urls {options.Urls} cannot be listened at: {cause.Message}", cause);
        }
        Console.WriteLine($"listening {string.Join(", ", app.Urls)}  (POST /orders, GET /sluice; SIGTERM or Ctrl+C ends it)");
        await app.WaitForShutdownAsync(stop);
    }

    // A server that starts, or fails over, is waited for: a service manager would only start this service again.
    private static async Task PrepareAsync(NpgsqlDataSource database, ServeOptions options, CancellationToken stop)
    {
        for (var waited = Stopwatch.StartNew(); ;)
        {
            try
            {
                await Tables.CreateAsync(database, stop);
                if (options.Products.Count > 0) await Tables.StockAsync(database, options.Products, options.Stock, stop);
                return;
            }
            catch (NpgsqlException away) when (away.IsTransient && waited.Elapsed < options.Wait)
            {
                await Task.Delay(200, stop);
            }
            catch (NpgsqlException cause)
            {
                throw new UserMistake($"--store: {cause.Message}", cause);
            }
        }
    }

    private static async Task<IResult> PlaceAsync(Order order, Desk desk, CancellationToken aborted)
    {
        if (order is not { Customer: not null, Product: not null, Card: not null, Quantity: > 0 }) return Results.Problem(
            "An order has id, customer, product, quantity (above zero) and card.", statusCode: StatusCodes.Status400BadRequest);
        try
        {
            return await desk.PlaceAsync(order, aborted) switch
            {
                Outcome.Placed => Results.StatusCode(StatusCodes.Status201Created),
                Outcome.Taken => IsTaken(order),
                Outcome.Unknown => Results.Problem($"There is no product {order.Product}.", statusCode: StatusCodes.Status404NotFound),
                Outcome.SoldOut => Results.Problem($"{order.Product} is sold out.", statusCode: StatusCodes.Status409Conflict),
                _ => Results.Problem("The card was declined.", statusCode: StatusCodes.Status402PaymentRequired),
            };
        }
        catch (PostgresException twice) when (twice.SqlState == PostgresErrorCodes.UniqueViolation)
        {
            return IsTaken(order);                       // both came at the same time, for two products
        }
        catch (PostgresException refused) when (refused.SqlState.StartsWith("22", StringComparison.Ordinal))
        {
            return Results.Problem("The order has a value that cannot be stored, such as a text with a zero character.",
                statusCode: StatusCodes.Status400BadRequest);
        }
        catch (Exception away) when (MayPass(away))
        {
            return Results.Problem("The database did not take the order. Repeat the order with its id.",
                statusCode: StatusCodes.Status503ServiceUnavailable);
        }
    }

    private static IResult IsTaken(Order order) => Results.Problem($"The id {order.Id} belongs to another order.",
        statusCode: StatusCodes.Status422UnprocessableEntity);

    // A customer repeats what may pass: no connection, another transaction in the way, a server that is full or stops. Any other failure
    // is a mistake in the shop. The answer is then 500 without a reason, and the log has the failure.
    private static bool MayPass(Exception failure) => failure switch
    {
        PostgresException server => server.IsTransient || server.SqlState[..2] is "08" or "25" or "40" or "53" or "55" or "57" or "58",
        NpgsqlException => true,
        StreamStoreException store => !store.IsPermanent,
        _ => false,
    };
}
