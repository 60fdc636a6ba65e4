using System.CommandLine;
using Sluice;

namespace Payments.Serving;

/// <summary>What <c>--serve</c> is asked for.</summary>
/// <param name="Files">The store, and what is written beside it.</param>
/// <param name="Urls">Where to listen for HTTP.</param>
/// <param name="TcpPort">Where to listen for TCP; null for nowhere.</param>
/// <param name="Window">How long the windows of the totals are.</param>
/// <param name="Durability">What a 202 survives.</param>
/// <param name="Poison">How payees begin whose payments always fail; null for none.</param>
internal sealed record ServeOptions(StoreFiles Files, string Urls, int? TcpPort, TimeSpan Window, Durability Durability, string? Poison)
{
    private const int LongestWindow = 366 * 24 * 3600;

    /// <summary>Reads the options.</summary>
    /// <exception cref="UserMistake">One is missing or malformed.</exception>
    public static ServeOptions Parse(
        OptionValues values, Option<string> urls, Option<string> store, Option<string> ledger, Option<string> tcp, Option<string> window,
            Option<string> durability, Option<string> poison)
    {
        var path = values.File(store, "sqlite:") ?? throw new UserMistake("--serve needs --store sqlite:FILE.");
        var files = new StoreFiles(path, values.File(ledger) ?? StoreFiles.LedgerBeside(path));
        if (files.Ledger == files.Store || files.Ledger == files.Totals || files.Ledger == files.Rejected)
            throw new UserMistake($"--ledger {files.Ledger} is a file of the store: name another one.");
        return new ServeOptions(
            files, UrlsOf(values[urls] ?? "http://127.0.0.1:5080"), values.Number(tcp, 0, 65_535),
                TimeSpan.FromSeconds(values.Number(window, 1, LongestWindow) ?? 3600),
            DurabilityOf(values[durability]), values[poison]);
    }

    /// <summary>Looks at what the server is going to be given: its own words for a mistake are many.</summary>
    /// <exception cref="UserMistake">It is no address.</exception>
    public static string UrlsOf(string text)
    {
        foreach (var url in text.Split(';'))
        {
            // What stands for all addresses is no host name.
            if (!Uri.TryCreate(url.Replace("//*", "//localhost", StringComparison.Ordinal)
                .Replace("//+", "//localhost", StringComparison.Ordinal), UriKind.Absolute, out var address)
                || address.Scheme != Uri.UriSchemeHttp || address.PathAndQuery != "/")
                throw new UserMistake($"--urls must be http://ADDRESS:PORT, such as http://127.0.0.1:5080, not \"{url}\".");
        }

        return text;
    }

    public static Durability DurabilityOf(string? text) => text switch
    {
        null or "power" => Durability.Power,
        "process" => Durability.Process,
        _ => throw new UserMistake($"--durability must be power or process, not \"{text}\"."),
    };
}
