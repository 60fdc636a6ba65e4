using System.Net.Sockets;
using Microsoft.AspNetCore.Builder;

namespace Payments.Serving;

/// <summary>The server from its start to its stop.</summary>
internal static class Service
{
    /// <summary>How long a stop may take: requests, clients over TCP, and payments under way end in that time, or not at all.</summary>
    public static readonly TimeSpan LongestStop = TimeSpan.FromSeconds(15);

    /// <summary>Serves until it is told to stop.</summary>
    /// <exception cref="UserMistake">The store, a file or a port cannot be had.</exception>
    public static async Task RunAsync(ServeOptions options, CancellationToken stop)
    {
        await using var bank = await Bank.StartAsync(options);
        await using var intake = options.TcpPort is { } port ? await Intake.StartAsync(port, bank.Payments) : null;
        await using var app = Server.Build(bank, options);
        if (await TryListenAsync(app, options))
        {
            Console.WriteLine($"store     {options.Files.Store}");
            Console.WriteLine($"ledger    {options.Files.Ledger}");
            if (intake is not null) Console.WriteLine($"tcp       {intake.Address}");
            Console.WriteLine(
                $"listening {string.Join(", ", app.Urls)}  (POST /payments, GET /balances, /dead, /rejected, /snapshot, /sluice; "
                    + $"SIGTERM or Ctrl+C ends it)");
            var stopped = Task.Delay(Timeout.Infinite, stop);
            var ended = bank.Ended;
            var first = await Task.WhenAny(stopped, ended, intake?.Completion ?? stopped);
            await app.StopAsync(CancellationToken.None);

            // None of them ends by itself, unless it cannot go on.
            if (first != stopped) await (first == ended ? await ended : first);
        }

        if (intake is not null) await intake.DisposeAsync();
        await bank.StopAsync();
        var books = bank.Payments.Snapshot();
        Console.WriteLine(
            $"stopped   {books.Accepted} payments "
                + $"accepted, {books.Accepted - books.Pending - books.Retrying - books.Parked - books.Suspect} of them processed");
    }

    /// <returns>Whether it listens; else it was told to stop while it began.</returns>
    private static async Task<bool> TryListenAsync(WebApplication app, ServeOptions options)
    {
        try
        {
            await app.StartAsync();
            return true;
        }
        catch (OperationCanceledException)
        {
            return false;                    // the host listens to the same signals
        }
        catch (Exception cause) when (cause is IOException or SocketException or FormatException or InvalidOperationException)
        {
            throw new UserMistake($"--urls {options.Urls} cannot be listened at: {cause.Message}", cause);
        }
    }
}
