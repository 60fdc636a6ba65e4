using System.Text.Json;
using Sluice.Diagnostics;

namespace Sluice.Celery;

/// <summary>The executor that runs functions in Celery workers.</summary>
/// <remarks>Thread-safe. Timeouts are in real time, whatever the supervisor's clock is.</remarks>
internal sealed class CeleryExecutor(Broker broker, CeleryExecutorOptions options) : IExecutor, IAsyncDisposable
{
    private static readonly TimeSpan MaxInterval = TimeSpan.FromHours(1);
    private static readonly TimeSpan FirstRetry = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan MaxRetry = TimeSpan.FromSeconds(5);

    private readonly Lock sync = new();
    private readonly Dictionary<string, long> warned = [];           // when, by queue
    private WorkerListener? listener;
    private bool isDisposed;
    private bool isAway;

    /// <summary>Where workers connect; null before the first call.</summary>
    internal WorkerListener? Listener => listener;

    public async Task ExecuteAsync(ProcessorCall call, CancellationToken cancellation)
    {
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        CeleryRoute route = options.RouteOf(call.Processor);
        using WorkerConnection worker = await FindWorkerAsync(call, route, cancellation).ConfigureAwait(false);
        if (worker.Hello.Version != Frames.Version)
            throw new FlowException(
                $"The Celery worker {worker.Hello.Worker} speaks version {worker.Hello.Version} of the protocol of child processes, and "
                    + $"this service speaks version {Frames.Version}. Install the Python package sluice of this service's version there.");
        long began = TimeProvider.System.GetTimestamp();
        string task = $"The Celery worker {worker.Hello.Worker}, with the processor {call.Processor} of the run {call.Run},";
        try
        {
            await new WorkerCall(worker, options, task).ExecuteAsync(call, cancellation).ConfigureAwait(false);
        }
        catch (ExecutionLostException) when (route.TimeLimit is { } limit
            && TimeProvider.System.GetElapsedTime(began) >= limit - TimeSpan.FromSeconds(1))
        {
            throw new FlowException(
                $"The processor {call.Processor} of the run {call.Run} has reached its hard time limit of {limit.TotalSeconds:N0} seconds "
                    + $"(CeleryRoute.TimeLimit): the worker has killed it.");
        }
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
        WorkerListener workers = Listen();
        var wanted = new PickUp();
        using var search = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        Task sending = SendTasksAsync(call, route, workers, wanted, search.Token);
        await Task.WhenAny(sending, wanted.Arrival).ConfigureAwait(false);
        await search.CancelAsync().ConfigureAwait(false);
        await sending.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        WorkerConnection? found = wanted.Close();
        workers.Forget(wanted);
        if (found is not null && !cancellation.IsCancellationRequested) return found;
        found?.Dispose();
        cancellation.ThrowIfCancellationRequested();
        await sending.ConfigureAwait(false);
        throw new InvalidOperationException("Tasks are sent until a worker has come.");
    }

    // Ends by an exception only.
    private async Task SendTasksAsync(ProcessorCall call, CeleryRoute route, WorkerListener workers, PickUp wanted,
        CancellationToken cancellation)
    {
        TimeSpan interval = options.PickUpTimeout, waited = TimeSpan.Zero;
        while (true)
        {
            await SendAsync(TaskOf(call, workers, wanted), route, cancellation).ConfigureAwait(false);
            await Task.Delay(interval, TimeProvider.System, cancellation).ConfigureAwait(false);
            waited += interval;
            string found = await broker.DescribeAsync(route.Queue!, cancellation).ConfigureAwait(false);
            cancellation.ThrowIfCancellationRequested();
            if (MayWarn(route.Queue!)) WarningHandlers.Tell(options.OnWarning,
                $"No Celery worker has taken the processor {call.Processor} of the run {call.Run} from the queue {route.Queue} for "
                    + $"{waited.TotalSeconds:N0} seconds: {found}. Start a worker with -Q {route.Queue}, whose application has called "
                    + $"sluice.celery.serve, and which reaches this service at {workers.Address.Host}:{workers.Address.Port}.");
            if (interval < MaxInterval) interval = interval * 2 < MaxInterval ? interval * 2 : MaxInterval;
        }
    }

    private async Task SendAsync(TaskMessage task, CeleryRoute route, CancellationToken cancellation)
    {
        for (TimeSpan pause = FirstRetry; ; pause = pause * 2 < MaxRetry ? pause * 2 : MaxRetry)
        {
            try
            {
                await broker.SendAsync(task, route, cancellation).ConfigureAwait(false);
                if (Interlocked.Exchange(ref isAway, false)) WarningHandlers.Tell(options.OnWarning, "The Celery broker answers again.");
                return;
            }
            catch (BrokerAwayException e)
            {
                if (!Interlocked.Exchange(ref isAway, true))         // one line for all calls that wait
                    WarningHandlers.Tell(options.OnWarning, $"{e.Message} Processors for the queue {route.Queue} wait until it is back.");
                await Task.Delay(pause, TimeProvider.System, cancellation).ConfigureAwait(false);
            }
        }
    }

    /// <summary>Whether there may be a warning of a queue: one in a time for all calls that wait.</summary>
    private bool MayWarn(string queue)
    {
        lock (sync)
        {
            long now = TimeProvider.System.GetTimestamp();
            if (warned.TryGetValue(queue, out long last) && TimeProvider.System.GetElapsedTime(last, now) < options.PickUpTimeout)
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
        };
    }

    private WorkerListener Listen()
    {
        lock (sync)
        {
            ObjectDisposedException.ThrowIf(isDisposed, this);
            return listener ??= new(options);
        }
    }
}
