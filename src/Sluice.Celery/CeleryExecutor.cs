using System.Net.Sockets;
using System.Text.Json;
using Sluice.Diagnostics;

namespace Sluice.Celery;

/// <summary>The executor that runs functions in Celery workers.</summary>
/// <remarks>Thread-safe. Timeouts are in real time, whatever the supervisor's clock is.</remarks>
internal sealed class CeleryExecutor(Broker broker, CeleryExecutorOptions options) : IExecutor, IAsyncDisposable
{
    private static readonly TimeSpan MaxInterval = TimeSpan.FromHours(1);
    private static readonly TimeSpan EmptyInterval = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan FirstRetry = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan MaxRetry = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan LimitSlack = TimeSpan.FromMinutes(1);

    private readonly Lock sync = new();
    private readonly Dictionary<string, long> warned = [];           // when, by queue
    private readonly WaitingSends waiting = new();
    private readonly QueueLooks looks = new(broker);
    private WorkerListener? listener;
    private bool isDisposed;
    private bool isPortTaken;
    private bool wasLongCallSaid;

    /// <summary>Where workers connect; null before the first call.</summary>
    internal WorkerListener? Listener => listener;

    /// <summary>The time of the waits for workers. Tests have a clock of their own.</summary>
    internal TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>After which time there is a warning of a call over a broker that has a timeout for acknowledgements.</summary>
    internal TimeSpan LongCall { get; init; } = TimeSpan.FromMinutes(25);

    public async Task ExecuteAsync(ProcessorCall call, CancellationToken cancellation)
    {
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        CeleryRoute route = options.RouteOf(call.Processor);
        while (!await TryExecuteAsync(call, route, cancellation).ConfigureAwait(false))
        {
            // The worker was told nothing, so its loss counts as no start.
        }
    }

    /// <returns>False if the worker has gone while the processor waited for its slot.</returns>
    private async Task<bool> TryExecuteAsync(ProcessorCall call, CeleryRoute route, CancellationToken cancellation)
    {
        WorkerConnection? found = null;
        try
        {
            await call.WaitForPlaceAsync(async () => found = await FindWorkerAsync(call, route, cancellation).ConfigureAwait(false))
                .ConfigureAwait(false);
            if (found!.IsClosed)
            {
                WarningHandlers.Tell(options.OnWarning,
                    $"The Celery worker {found.Hello.Worker} has gone while the processor {call.Processor} of the run {call.Run} waited "
                        + "for its place (SupervisorOptions.MaxConcurrency). Another worker is looked for.");
                return false;
            }
            await ExecuteAsync(call, route, found, cancellation).ConfigureAwait(false);
            return true;
        }
        finally
        {
            found?.Dispose();
        }
    }

    private async Task ExecuteAsync(ProcessorCall call, CeleryRoute route, WorkerConnection worker, CancellationToken cancellation)
    {
        if (worker.Hello.Version != Frames.Version)
            throw new FlowException(
                $"The Celery worker {worker.Hello.Worker} speaks version {worker.Hello.Version} of the protocol of child processes, and "
                    + $"this service speaks version {Frames.Version}. Install the Python package sluice of this service's version there.");
        string task = $"The Celery worker {worker.Hello.Worker}, with the processor {call.Processor} of the run {call.Run},";
        using ITimer? timer = broker.HasAcknowledgeTimeout && !wasLongCallSaid ? TimeProvider.System.CreateTimer(_ => TellLongCall(call),
            null, LongCall, Timeout.InfiniteTimeSpan) : null;
        try
        {
            await new WorkerCall(worker, options, task).ExecuteAsync(call, cancellation).ConfigureAwait(false);
        }
        catch (ExecutionLostException lost) when (HasPassed(route.TimeLimit))
        {
            throw new FlowException(
                $"The processor {call.Processor} of the run {call.Run} has reached its hard time limit of "
                    + $"{route.TimeLimit!.Value.TotalSeconds:N0} seconds (CeleryRoute.TimeLimit): the worker has killed it.", lost);
        }
        catch (ExecutionLostException lost) when (HasPassed(route.SoftTimeLimit))
        {
            throw new FlowException(
                $"The processor {call.Processor} of the run {call.Run} has reached its soft time limit of "
                    + $"{route.SoftTimeLimit!.Value.TotalSeconds:N0} seconds (CeleryRoute.SoftTimeLimit), and has not ended in time: the "
                    + $"worker has ended its process.", lost);
        }

        bool HasPassed(TimeSpan? limit)
            => limit is { } most && MayHavePassed(most, TimeProvider.System.GetElapsedTime(worker.ConnectedAt));
    }

    /// <summary>
    /// Whether a worker that is lost some time after it has connected may have been ended by Celery's limit. Celery counts from the moment
    /// when the worker has taken the task; then it may need 10 seconds to connect. Of a short limit a tenth is tolerated, so that few
    /// losses pass for its end. A worker that is lost long after the limit keeps none, as in the pools threads and solo.
    /// </summary>
    internal static bool MayHavePassed(TimeSpan limit, TimeSpan elapsed)
        => elapsed >= limit - TimeSpan.FromSeconds(Math.Clamp(limit.TotalSeconds / 10, 1, 10)) && elapsed <= limit + LimitSlack;

    private void TellLongCall(ProcessorCall call)
    {
        if (Interlocked.Exchange(ref wasLongCallSaid, true)) return;
        WarningHandlers.Tell(options.OnWarning,
            $"The processor {call.Processor} of the run {call.Run} has been in its Celery worker for {LongCall.TotalMinutes:N0} minutes. "
                + $"RabbitMQ closes the channel of a worker that has not acknowledged a task for 30 minutes, and the worker then takes no "
                + $"more tasks. Set RabbitMQ's consumer_timeout above the longest function.");
    }

    public async ValueTask DisposeAsync()
    {
        WorkerListener? last;
        lock (sync)
        {
            if (isDisposed) return;
            (isDisposed, last) = (true, listener);
        }
        if (last is not null) await last.DisposeAsync().ConfigureAwait(false);
        await broker.DisposeAsync().ConfigureAwait(false);
    }

    /// <summary>Sends tasks until a worker has taken the call.</summary>
    private async Task<WorkerConnection> FindWorkerAsync(ProcessorCall call, CeleryRoute route, CancellationToken cancellation)
    {
        WorkerListener workers = await ListenAsync(cancellation).ConfigureAwait(false);
        var wanted = new PickUp();
        var search = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        Task sending = SendTasksAsync(call, route, workers, wanted, search.Token);
        Task either = Task.WhenAny(sending, wanted.Arrival).WaitAsync(cancellation);
        await either.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        WorkerConnection? found = wanted.Close();
        workers.Forget(wanted);
        _ = EndSearchAsync(search, sending, workers, wanted);        // a slow broker must not keep a worker that is here waiting
        if (found is not null && !cancellation.IsCancellationRequested) return found;
        found?.Dispose();
        cancellation.ThrowIfCancellationRequested();
        await sending.ConfigureAwait(false);
        throw new InvalidOperationException("Tasks are sent until a worker has come.");
    }

    // Never throws.
    private static async Task EndSearchAsync(CancellationTokenSource search, Task sending, WorkerListener workers, PickUp wanted)
    {
        await search.CancelAsync().ConfigureAwait(false);
        await sending.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        search.Dispose();
        workers.Forget(wanted);                      // a secret made last
    }

    // Ends by an exception only.
    private async Task SendTasksAsync(ProcessorCall call, CeleryRoute route, WorkerListener workers, PickUp wanted,
        CancellationToken cancellation)
    {
        TimeSpan interval = options.PickUpTimeout, waited = TimeSpan.Zero;
        TimeSpan look = interval > EmptyInterval ? interval : EmptyInterval;
        while (true)
        {
            await SendAsync(TaskOf(call, workers, wanted), route, cancellation).ConfigureAwait(false);
            QueueState found;
            TimeSpan paused = TimeSpan.Zero;
            do
            {
                TimeSpan pause = interval - paused < look ? interval - paused : look;
                await Task.Delay(pause, Time, cancellation).ConfigureAwait(false);
                paused += pause;
                found = await looks.LookAsync(route.Queue!, Time).WaitAsync(cancellation).ConfigureAwait(false);
            }
            while (found.MayHaveTasks && paused < interval);
            waited += paused;
            if (MayWarn(route.Queue!)) WarningHandlers.Tell(options.OnWarning,
                $"No Celery worker has taken the processor {call.Processor} of the run {call.Run} from the queue {route.Queue} for "
                    + $"{waited.TotalSeconds:#,0.###} seconds: {found.Text}. Start a worker with -Q {route.Queue}, whose application has "
                    + $"registered the task {options.TaskName} by sluice.celery.serve, and which reaches this service at "
                    + $"{workers.Address.Host}:{workers.Address.Port}.");
            interval = NextInterval(interval, options.PickUpTimeout, found.MayHaveTasks);
        }
    }

    /// <summary>
    /// The time until the task is sent again. While tasks wait in the queue, another one helps nobody, so the time doubles. If the queue is
    /// empty, the task was taken, and may be lost.
    /// </summary>
    internal static TimeSpan NextInterval(TimeSpan last, TimeSpan pickUpTimeout, bool mayHaveTasks)
    {
        TimeSpan most = mayHaveTasks ? MaxInterval : EmptyInterval;
        if (most < pickUpTimeout) most = pickUpTimeout;
        return last * 2 < most ? last * 2 : most;
    }

    private async Task SendAsync(TaskMessage task, CeleryRoute route, CancellationToken cancellation)
    {
        string? waitsFor = null;                     // the reason of this send in `waiting`
        try
        {
            for (TimeSpan pause = FirstRetry; ; pause = pause * 2 < MaxRetry ? pause * 2 : MaxRetry)
            {
                try
                {
                    await broker.SendAsync(task, route, cancellation).ConfigureAwait(false);
                    break;
                }
                catch (BrokerAwayException e)
                {
                    if ((e.Queue ?? "") != waitsFor)
                    {
                        if (waitsFor is not null) waiting.GiveUp(waitsFor);
                        if (waiting.Begin(waitsFor = e.Queue ?? "")) WarningHandlers.Tell(options.OnWarning, $"{e.Message} Processors for "
                            + (e.Queue is { } queue ? $"the queue {queue} wait until it takes tasks." : "Celery wait until it is back."));
                    }
                    await RetryPause.WaitAsync(pause, Time, cancellation).ConfigureAwait(false);
                }
            }
        }
        finally
        {
            if (waitsFor is not null) waiting.GiveUp(waitsFor);
        }
        foreach (string reason in waiting.Sent(route.Queue ?? "")) WarningHandlers.Tell(options.OnWarning,
            $"The Celery broker takes tasks {(reason.Length == 0 ? "" : $"for the queue {reason} ")}again.");
    }

    /// <summary>Whether there may be a warning of a queue: one in a time for all calls that wait.</summary>
    private bool MayWarn(string queue)
    {
        lock (sync)
        {
            long now = Time.GetTimestamp();
            if (warned.TryGetValue(queue, out long last) && Time.GetElapsedTime(last, now) < options.PickUpTimeout)
                return false;
            warned[queue] = now;
            return true;
        }
    }

    private TaskMessage TaskOf(ProcessorCall call, WorkerListener workers, PickUp wanted)
    {
        string token = Encoding.UTF8.GetString(TaskMessage.Json((options, workers, Secret: workers.Expect(wanted)), static (json, all) =>
        {
            json.WriteStartObject();
            json.WriteString("host", all.workers.Address.Host);
            json.WriteNumber("port", all.workers.Address.Port);
            json.WriteString("secret", Convert.ToHexString(all.Secret));
            json.WriteNumber("max", all.options.MaxValueBytes);
            json.WriteNumber("protocol", Frames.Version);
            if (all.workers.Fingerprint is { } hash) json.WriteString("certificate", hash);
            json.WriteEndObject();
        }));
        return new(options.TaskName, Guid.NewGuid().ToString())
        {
            NamedArguments = TaskMessage.Json(call, static (json, call) =>
            {
                json.WriteStartObject();
                json.WriteString("processor", call.Processor);
                json.WriteString("run", call.Run);
                json.WriteNumber("start", call.Start);
                json.WriteEndObject();
            }),
            Header = ("sluice", token),
            Shadow = $"{options.TaskName}:{call.Processor}",
            IgnoresResult = true,
            Expires = Time.GetUtcNow() + Expiry(options.PickUpTimeout),
        };
    }

    /// <summary>The time after which workers drop a task that waits in the queue: another one was sent long before, unless the service has
    /// ended.</summary>
    internal static TimeSpan Expiry(TimeSpan pickUpTimeout)
        => 2 * (pickUpTimeout > MaxInterval ? pickUpTimeout : MaxInterval);

    /// <summary>Listens for workers. A taken port is waited for, with a warning: an earlier service may end soon.</summary>
    private async Task<WorkerListener> ListenAsync(CancellationToken cancellation)
    {
        for (TimeSpan pause = FirstRetry; ; pause = pause * 2 < MaxRetry ? pause * 2 : MaxRetry)
        {
            try
            {
                return Listen();
            }
            catch (FlowException e) when (e.InnerException is SocketException { SocketErrorCode: SocketError.AddressAlreadyInUse })
            {
                if (!Interlocked.Exchange(ref isPortTaken, true))
                    WarningHandlers.Tell(options.OnWarning, $"{e.Message} Until then, processors for Celery wait.");
                await Task.Delay(pause, TimeProvider.System, cancellation).ConfigureAwait(false);
            }
        }
    }

    private WorkerListener Listen()
    {
        lock (sync)
        {
            ObjectDisposedException.ThrowIf(isDisposed, this);
            broker.OnWarning = text => WarningHandlers.Tell(options.OnWarning, text);
            return listener ??= new(options);
        }
    }
}
