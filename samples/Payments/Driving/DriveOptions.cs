using System.CommandLine;
using System.Security.Cryptography;
using Payments.Serving;

namespace Payments.Driving;

/// <summary>What <c>--drive</c> is asked for.</summary>
/// <param name="Payments">How many payments are sent.</param>
/// <param name="Seed">Decides what is sent, and when the server is killed.</param>
/// <param name="Kills">How often it is killed.</param>
/// <param name="Store">The store, which is not there yet; null for one in a temporary directory.</param>
/// <param name="Ledger">The ledger; null for the one beside the store.</param>
/// <param name="Arguments">What else the server is given.</param>
internal sealed record DriveOptions(int Payments, int Seed, int Kills, string? Store, string? Ledger, IReadOnlyList<string> Arguments)
{
    private const int Most = 1_000_000;
    private const int MostKills = 1000;

    /// <summary>Reads the options.</summary>
    /// <exception cref="UserMistake">One is malformed, or does not go with the others.</exception>
    public static DriveOptions Parse(
        OptionValues values, Option<string> drive, Option<string> urls, Option<string> store, Option<string> ledger, Option<string> tcp,
            Option<string> window,
        Option<string> durability, Option<string> poison, Option<string> seed, Option<string> kills)
    {
        if ((values[poison] ?? values[window]) is not null)
            throw new UserMistake($"{(values[poison] is null ? window : poison).Name} belongs to --serve.");
        int payments = values.Number(drive, 1, Most)!.Value;
        var path = values.File(store, "sqlite:");
        if (File.Exists(path)) throw new UserMistake($"--store {path} is there already: --drive begins with a new one.");
        if (values[ledger] is not null && path is null) throw new UserMistake("--ledger needs --store sqlite:FILE.");
        if (File.Exists(values.File(ledger))) throw new UserMistake(
            $"--ledger {values.File(ledger)} is there already: --drive begins with a new one.");
        ServeOptions.DurabilityOf(values[durability]);
        List<string> arguments =
        [
            "--urls", ServeOptions.UrlsOf(values[urls] ?? "http://127.0.0.1:0"), "--tcp", $"{values.Number(tcp, 0, 65_535) ?? 0}",
            "--window", "1", "--durability", values[durability] ?? "power", "--poison", Plan.Poison,
        ];
        return new DriveOptions(
            payments, values.Number(seed, 0, int.MaxValue) ?? RandomNumberGenerator.GetInt32(1, 100_000), values.Number(kills, 0, MostKills)
                ?? Math.Clamp(payments / 200, 2, 20),
            path, values.File(ledger), arguments);
    }
}
