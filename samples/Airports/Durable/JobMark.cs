using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Sluice;
using Sluice.Storage;

namespace Airports.Durable;

/// <summary>What a store is for, kept in a stream of its own: a job goes on with the airports and the files that it began with.</summary>
internal static class JobMark
{
    private const string Stream = "airports-job";

    public static string Describe(Airport[] airports, Gazetteer gazetteer, Options options)
    {
        var places = string.Concat(airports.Select(airport => gazetteer.Find(airport.Code))
            .Select(place => string.Create(CultureInfo.InvariantCulture,
            $"{place.Airport.Code},{place.Latitude:R},{place.Longitude:R}\n")));
        var hash = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(places)))[..8];
        return $"{airports.Length:N0} airports "
            + $"(list {hash}), {NameOf(options.Out) ?? "no CSV"}, {NameOf(options.Database) ?? "no database"}";
    }

    /// <summary>Marks a new store; looks at the mark of another.</summary>
    /// <exception cref="UserMistake">The store is for another job.</exception>
    public static async Task CheckAsync(IStreamStore store, string path, string job)
    {
        await store.OpenStreamAsync(Stream, new StreamOptions { Partitions = 1 });
        using var batch = new EntryBatch { Stream = Stream };
        batch.Add(Encoding.UTF8.GetBytes(job));
        // Number one is accepted once, whoever comes first.
        var append = await store.AppendAsync(new AppendRequest(Stream, "job", Epoch: 0, Sequence: 1, batch));
        if (append.Status == AppendStatus.Accepted) return;
        var read = await store.ReadAsync(new ReadRequest(Stream, Partition: 0, From: 1));
        var begun = Encoding.UTF8.GetString(read.Entries.Span[0].Payload.Span);
        if (begun != job)
            throw new UserMistake(
                $"--store {path} is that of another job: it was begun with {begun}, and this is {job}. Ask for the same again, or name "
                    + $"another store.");
    }

    private static string? NameOf(string? path) => path is null ? null : Path.GetFileName(path);
}
