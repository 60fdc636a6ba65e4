namespace Sluice.PostgreSql;

/// <summary>
/// The wait of an attempt for the server's answers: a long wait is reported as an outage. While statements of the application run, the
/// server is at work, and the wait is no outage, however long they take.
/// </summary>
/// <remarks>Thread-safe: one round uses it, and a timer.</remarks>
internal sealed class ServerWait(ServerSilence silence)
{
    private long begun = TimeProvider.System.GetTimestamp();
    private volatile bool isApplication;

    /// <summary>The attempt still waits.</summary>
    public void Miss()
    {
        if (!isApplication) silence.Miss(Volatile.Read(ref begun), null);
    }

    /// <summary>The attempt has failed.</summary>
    public void Miss(Exception failure) => silence.Miss(Volatile.Read(ref begun), failure);

    /// <summary>Runs statements of the application. The server has answered everything before them.</summary>
    public async Task ForApplicationAsync(Func<Task> run)
    {
        silence.Answer();
        isApplication = true;
        try
        {
            await run().ConfigureAwait(false);
        }
        finally
        {
            Volatile.Write(ref begun, TimeProvider.System.GetTimestamp());
            isApplication = false;
        }
    }
}
