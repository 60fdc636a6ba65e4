namespace Sluice.Redis;

/// <summary>
/// The connection of a store: the only way to the server and its library of functions. It loads the library if the server lacks it, and
/// cleans a restarted server (<see cref="Cleaning"/>), both when a call needs it. Thread-safe.
/// </summary>
internal sealed partial class Connection : IAsyncDisposable
{
    // The time for which one WAIT blocks the connection.
    private static readonly TimeSpan ReplicasAreAsked = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan BeforeRepetition = TimeSpan.FromMilliseconds(50);

    private readonly ServerAddress address;
    private readonly Route route;
    private readonly RedisStoreOptions options;
    private readonly ServerSilence silence;
    private readonly AppendRefusals refusals;
    private readonly AnswerTracker answers = new(TimeProvider.System);
    private readonly SemaphoreSlim preparing = new(1);
    private readonly SemaphoreSlim replacing = new(1);
    private readonly CancellationTokenSource closing = new();
    private volatile Link link;
    private volatile bool isListening;               // whether messages are wanted
    private int preparations, isDisposed, replacements;         // replacements: attempts to replace the link that have ended

    private Connection(ServerAddress address, Route route, Link link, RedisStoreOptions options, ServerSilence silence)
    {
        (this.address, this.route, this.link, this.options, this.silence) = (address, route, link, options, silence);
        refusals = new(options.Watch(address), options.Time);
        Meta = $"{{{options.Prefix}}}:meta";
    }

    public IDatabase Database => link.Database;
    public string Channel => $"{{{options.Prefix}}}:changes";
    public RedisKey Meta { get; }

    /// <summary>For which run of the server its log was to be rewritten, and when; null if that never happened. Used by one caller at a
    /// time.</summary>
    public (string Run, long Asked)? Rewriting { get; set; }

    /// <summary>Whether the server has answered nothing for a while, which it need not have been asked.</summary>
    public bool IsSilent => answers.IsSilentFor(options.Silence);

    public bool IsDisposed => Volatile.Read(ref isDisposed) != 0;

    /// <summary>
    /// Receives messages of changes once <see cref="ListenAsync"/> was called, and null after messages may have been missed.
    /// </summary>
    public Action<byte[]?>? Changed { get; set; }

    /// <summary>
    /// Subscribes to messages, at the first call. Each change of any stream sends one, so a connection that only looks or sends does
    /// without. If the server does not answer, the connection subscribes later (<see cref="CheckAsync"/>).
    /// </summary>
    public ValueTask ListenAsync(CancellationToken cancellation) => link.HasChannel ? default : BeginListeningAsync(cancellation);

    /// <summary>Runs a script.</summary>
    /// <param name="script">The script.</param>
    /// <param name="arguments">All arguments, from the first.</param>
    /// <param name="isRepeatable">Whether it may be sent again when its outcome is unknown.</param>
    /// <param name="cancellation">Gives up waiting.</param>
    /// <param name="since">When the caller's <see cref="RedisStoreOptions.Timeout"/> began; null for now.</param>
    public async Task<RedisResult> RunAsync(Script script, RedisValue[] arguments, bool isRepeatable, CancellationToken cancellation,
        long? since = null)
    {
        if (IsDisposed) throw DisposedStore.Error($"at {address}");
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellation, closing.Token);
        long begun = since ?? TimeProvider.System.GetTimestamp();
        for (bool isPrepared = true, lacksLibrary = false, mayHaveRun = false; ;)
        {
            if (IsDisposed) throw DisposedStore.Error($"at {address}");
            Link used = link;
            long tried = TimeProvider.System.GetTimestamp();
            Task<RedisResult>? running = null;       // not null once it may have been sent; a closed link throws before
            try
            {
                if (!isPrepared)
                {
                    await PrepareAsync(Volatile.Read(ref preparations), lacksLibrary, (begun, options.Timeout), either.Token)
                        .ConfigureAwait(false);
                    (isPrepared, used) = (true, link);         // the link may have been replaced meanwhile
                }
                int sockets = await LookAtAsync(used, either.Token).ConfigureAwait(false);
                running = used.Database.ExecuteAsync("FCALL", [script.Function, 1, Meta, .. arguments], CommandFlags.DemandMaster);
                long number = answers.Begin();
                (Task<RedisResult> Answer, long Number)? confirming = script.Writes ? Confirm(used) : null;
                RedisResult result = await AnswerAsync(running, number, isRepeatable, either.Token).ConfigureAwait(false);
                if (confirming is { } waiting) await ConfirmAsync(waiting, used, sockets, begun, either.Token).ConfigureAwait(false);
                if (used.Sockets != sockets) await LookAgainAsync(used, either.Token).ConfigureAwait(false);
                silence.Answer();
                if (script.NeedsMemory) refusals.Accept();
                return result;
            }
            catch (RedisServerException unprepared) when (Failures.IsUnprepared(unprepared, out lacksLibrary))
            {
                isPrepared = false;
            }
            catch (Exception failure) when (Failures.MayPass(failure) && !IsDisposed)
            {
                // The client's claim that it has not sent the call is trusted only for repeatable calls: a lease was seen to be executed
                // twice. A server that refused has executed nothing.
                mayHaveRun |= running is not null && failure is not RedisServerException && (!isRepeatable || Failures.MayHaveRun(failure));
                silence.Miss(tried, failure);
                await MendAsync(used, failure, either.Token).ConfigureAwait(false);
                bool again = (isRepeatable || !mayHaveRun) && TimeProvider.System.GetElapsedTime(begun) < options.Timeout;
                if (!again)
                {
                    silence.Fail();
                    throw Failures.Explain(failure, address, mayHaveRun) ?? failure;
                }
                await RetryPause.WaitAsync(BeforeRepetition, TimeProvider.System, either.Token).ConfigureAwait(false);
            }
            catch (RedisServerException refused)
            {
                silence.Answer();                    // a refusal is an answer
                if (script.Appends && Failures.Refusal(refused) is null) refusals.Refuse(Failures.Words(refused));
                throw;
            }
            catch (StreamStoreException refused)     // the server is there, and not prepared
            {
                silence.Fail();
                if (script.Appends && running is null) refusals.Refuse(refused.Message);
                throw;
            }
        }
    }

    /// <summary>Checks from time to time whether messages still arrive, which successful calls do not show. Never throws.</summary>
    public async Task CheckAsync()
    {
        try
        {
            if (link is var used && used.LostFor >= options.Silence && !IsDisposed)
                await ReplaceAsync(used, closing.Token).ConfigureAwait(false);
        }
        catch (Exception)
        {
            // The next check tries again, and calls report the failure.
        }
    }

    /// <summary>Closes the connection without waiting for calls, which are cancelled.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref isDisposed, 1) != 0) return;
        await closing.CancelAsync().ConfigureAwait(false);
        link.Close();
    }

    /// <summary>
    /// Waits for an answer until the connection has been silent for too long. The client's own limit is switched off, because it limits the
    /// call: a call that stands behind many answers would fail.
    /// </summary>
    /// <param name="answer">The answer.</param>
    /// <param name="number">The number of the call.</param>
    /// <param name="isRepeatable">Whether the call can be sent again, and so is given up early.</param>
    /// <param name="cancellation">Gives up waiting.</param>
    /// <exception cref="TimeoutException">Neither this answer nor one before it came in time.</exception>
    /// <exception cref="ObjectDisposedException">The connection was replaced meanwhile: the call may have been executed.</exception>
    private async Task<T> AnswerAsync<T>(Task<T> answer, long number, bool isRepeatable, CancellationToken cancellation)
    {
        try
        {
            TimeSpan limit = isRepeatable || options.Timeout < options.Silence ? options.Silence : options.Timeout;
            return await answers.WaitAsync(answer, number, limit, options.NoticeAfter, Notice, cancellation).ConfigureAwait(false);
        }
        catch (Exception closed) when (Failures.IsOfClosed(closed, cancellation))
        {
            throw Link.Closed(closed);
        }

        void Notice(long since)
        {
            if (!IsDisposed) silence.Miss(Math.Max(since, silence.Answered), null);
        }
    }

    /// <summary>Waits for the answer of a call that was sent just now.</summary>
    internal Task<T> AnswerAsync<T>(Task<T> answer, bool isRepeatable, CancellationToken cancellation)
        => AnswerAsync(answer, answers.Begin(), isRepeatable, cancellation);

    internal async Task<ServerInfo> InfoAsync(CancellationToken cancellation)
        => ServerInfo.Read((string?)await AnswerAsync(link.InfoAsync("all"), isRepeatable: true, cancellation).ConfigureAwait(false));

    // WAIT covers earlier writes on the same connection, and is sent directly after the call. From Redis 7.2 on, it counts every replica
    // for a connection without writes, as after a repeated call that was answered from its record; so a small write comes first.
    private (Task<RedisResult> Answer, long Number)? Confirm(Link used)
    {
        if (options.Durability.Replicas == 0) return null;
        _ = used.Database.ExecuteAsync("FCALL", [Script.Named("touch").Function, 1, Meta],
            CommandFlags.DemandMaster | CommandFlags.FireAndForget);
        Task<RedisResult> wait = used.Database.ExecuteAsync("WAIT", options.Durability.Replicas, (int)ReplicasAreAsked.TotalMilliseconds);
        return (wait, answers.Begin());
    }

    private async Task ConfirmAsync((Task<RedisResult> Answer, long Number) confirming, Link used, int sockets, long begun,
        CancellationToken cancellation)
    {
        while (true)
        {
            long confirmed = (long)await AnswerAsync(confirming.Answer, confirming.Number, isRepeatable: true, cancellation)
                .ConfigureAwait(false);
            if (used.Sockets != sockets) throw new TimeoutException();        // perhaps another server, without the last writes
            if (confirmed >= options.Durability.Replicas) return;
            if (TimeProvider.System.GetElapsedTime(begun) >= options.Timeout)
                throw new StreamStoreException(
                    $"The Redis server at {address} has done what was asked, but {confirmed} of {options.Durability.Replicas} replicas "
                        + $"only have confirmed it: it may be lost with the server. Repeat it when they are there.");
            confirming = Confirm(used)!.Value;
        }
    }

    // A failure to mend is ignored: the next attempt mends, or fails. The first failure is the one to report.
    private async Task MendAsync(Link used, Exception failure, CancellationToken cancellation)
    {
        try
        {
            if (failure is TimeoutException or ObjectDisposedException || used.LostFor >= options.Silence)
                await ReplaceAsync(used, cancellation).ConfigureAwait(false);
            else if (used.Target.IsChosen) await ReplaceAsync(used, cancellation, onlyElsewhere: true).ConfigureAwait(false);
            // The client learns late that a server has another role now.
            if (link == used && !used.Target.IsClustered && (address.Options.EndPoints.Count > 1 || failure is NoMasterException))
                await used.ReconsiderAsync(cancellation).ConfigureAwait(false);
        }
        catch (Exception further) when (further is not OperationCanceledException || !cancellation.IsCancellationRequested)
        {
        }
    }

    // Replaces a silent or long lost connection, if another one can be opened. An attempt takes seconds, and many calls may wait for it:
    // what it has found out counts for all of them.
    private async Task ReplaceAsync(Link silent, CancellationToken cancellation, bool onlyElsewhere = false)
    {
        int before = Volatile.Read(ref replacements);
        bool counts = false;                         // whether a server was asked, and not only whether it is still the master
        await replacing.WaitAsync(cancellation).ConfigureAwait(false);
        try
        {
            if (link != silent || replacements != before) return;
            counts = true;                           // also if no server is a master: calls that wait for this one do not ask again
            Target target = await route.FindAsync(cancellation).ConfigureAwait(false);
            counts = !onlyElsewhere || (target.IsChosen && !target.LeadsTo(silent.Target));
            if (!counts) return;
            if (route.IsAway) return;
            Link fresh = await Link.OpenAsync(target, options.Longest, cancellation).ConfigureAwait(false);
            try
            {
                if (!fresh.IsConnected) throw new TimeoutException();
                if (isListening) await SubscribeAsync(fresh, cancellation).ConfigureAwait(false);
            }
            catch (Exception failure)
            {
                fresh.Close();
                if (Failures.MayPass(failure)) return;
                throw;
            }
            link = fresh;
            silent.Close();
            Changed?.Invoke(null);
            if (IsDisposed) fresh.Close();
        }
        finally
        {
            if (counts && !cancellation.IsCancellationRequested) Interlocked.Increment(ref replacements);
            replacing.Release();
        }
    }

    private async ValueTask BeginListeningAsync(CancellationToken cancellation)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellation, closing.Token);
        isListening = true;
        await replacing.WaitAsync(either.Token).ConfigureAwait(false);
        try
        {
            if (!link.HasChannel) await SubscribeAsync(link, either.Token).ConfigureAwait(false);
        }
        catch (Exception failure) when (Failures.MayPass(failure))
        {
            // The client subscribes when it has connected again, or the link is replaced.
        }
        finally
        {
            replacing.Release();
        }
    }

    private async Task SubscribeAsync(Link to, CancellationToken cancellation)
    {
        try
        {
            await to.SubscribeAsync(Channel, message => Changed?.Invoke(message))
                .WaitAsync(options.Silence, TimeProvider.System, cancellation).ConfigureAwait(false);
        }
        catch (Exception closed) when (Failures.IsOfClosed(closed, cancellation))
        {
            throw Link.Closed(closed);
        }
    }
}
