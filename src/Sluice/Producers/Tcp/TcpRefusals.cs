using Sluice.Diagnostics;

namespace Sluice.Producers;

/// <summary>Warns the operator of what a source could not take: items because of the store, a key function or a serializer, or
/// connections. The client does not learn what failed inside of the service. At most one warning a minute, however many clients fail.
/// </summary>
/// <remarks>Thread-safe.</remarks>
internal sealed class TcpRefusals(TcpOptions options, string node, TimeProvider time)
{
    /// <summary>What a client is told if the service has failed.</summary>
    public const string Told
        = "It is not known whether the item was stored: the store does not answer. Connect again later; the operator of the "
        + "service was told why.";

    private static readonly TimeSpan Quiet = TimeSpan.FromMinutes(1);

    private readonly Lock sync = new();
    private long? told;
    private long untold;

    public void Note(string what, Exception? why = null)
    {
        long before;
        lock (sync)
        {
            if (told is { } at && time.GetElapsedTime(at) < Quiet)
            {
                untold++;
                return;
            }
            (told, before, untold) = (time.GetTimestamp(), untold, 0);
        }
        string more = before == 0 ? "" : $" Since the last warning there were {before:N0} more.";
        WarningHandlers.Tell(options.OnWarning, $"{node}: {what}{(why is null ? "." : $": {why.GetType().Name}: {why.Message}")}{more}");
    }
}
