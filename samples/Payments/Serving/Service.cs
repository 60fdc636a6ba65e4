using System.Net.Sockets;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Hosting;

namespace Payments.Serving;

/// <summary>The server from its start to its stop.</summary>
internal static class Service
{
    /// <summary>Serves until it is told to stop.</summary>
    /// <exception cref="UserMistake">The store, a file or a port cannot be had.</exception>
    public static async Task RunAsync(ServeOptions options)
    {
        await using var bank = await Bank.StartAsync(options);
        await using var intake = options.TcpPort is { } port ? await Intake.StartAsync(port, bank.Payments) : null;
        await using var app = Server.Build(bank, options);
        try
        {
            await app.StartAsync();
        }
        catch (Exception cause) when (cause is IOException or SocketException or FormatException or InvalidOperationException)
        {
            throw new UserMistake($"--urls {options.Urls} cannot be listened at: {cause.Message}", cause);
        }

        Console.WriteLine($"store     {options.Files.Store}");
        Console.WriteLine($"ledger    {options.Files.Ledger}");
        if (intake is not null) Console.WriteLine($"tcp       {intake.Address}");
        Console.WriteLine($"listening {string.Join(", ", app.Urls)}  (POST /payments, GET /balances, /dead, /rejected, /snapshot; SIGTERM or Ctrl+C ends it)");

        var stopped = app.WaitForShutdownAsync();
        var ended = bank.Ended;
        var first = await Task.WhenAny(stopped, ended, intake?.Completion ?? stopped);
        if (first != stopped)
        {
            // None of them ends by itself, unless it cannot go on.
            await app.StopAsync();
            await (first == ended ? await ended : first);
        }

        await stopped;
        if (intake is not null) await intake.DisposeAsync();
        await bank.StopAsync();
        var books = bank.Payments.Snapshot();
        Console.WriteLine($"stopped   {books.Accepted} payments accepted, {books.Accepted - books.Pending - books.Retrying - books.Parked - books.Suspect} of them processed");
    }
}
