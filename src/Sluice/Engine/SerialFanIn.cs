using Sluice.Scheduling;

namespace Sluice.Engine;

/// <summary>
/// Lets several sources of a single-threaded run into one operator, one item at a time, as soon as the operator is ready.
/// </summary>
/// <remarks>It replaces the <see cref="IslandPump"/> with several inputs of a multi-threaded run; items are not queued.</remarks>
internal sealed class SerialFanIn(PipelineRun run)
{
    private readonly Gate gate = new(run.Scheduler);
    private readonly List<Waiter> blocked = [];

    public Inlet<T> AddInput<T>(Inlet<T> inlet) => new Input<T>(this, inlet);

    /// <summary>Leaves the gate and wakes blocked inputs: they may be ready now.</summary>
    private void Leave()
    {
        gate.Exit();
        foreach (Waiter waiter in blocked) waiter.Wake();
    }

    private sealed class Input<T> : Inlet<T>, IUpstream
    {
        private readonly SerialFanIn owner;
        private readonly Inlet<T> inlet;
        private readonly PipelineRun run;
        private readonly Waiter waiter;

        public Input(SerialFanIn owner, Inlet<T> inlet)
        {
            (this.owner, this.inlet, Node) = (owner, inlet, inlet.Node);
            run = owner.Run;
            waiter = new Waiter(run.Scheduler);
            run.OnStop.Add(waiter.Wake);
            owner.blocked.Add(waiter);
            inlet.Attach(this);
        }

        public void Stop() => Upstream?.Stop();

        public override void Flush() => inlet.Flush();

        public override async ValueTask PushAsync(T item, Ticket? ticket)
        {
            await EnterWhenReadyAsync();
            try
            {
                run.ThrowIfStopping();
                await inlet.PushAsync(item, ticket);
            }
            catch (Exception e)
            {
                run.Fail(e, Node);                   // inside the gate, so that no item follows the failed one
                throw;
            }
            finally
            {
                owner.Leave();
            }
        }

        protected override async ValueTask OnCompleteAsync()
        {
            await owner.gate.EnterAsync();
            try
            {
                run.ThrowIfStopping();
                await inlet.CompleteAsync();
            }
            catch (Exception e)
            {
                run.Fail(e, Node);
                throw;
            }
            finally
            {
                owner.Leave();
            }
        }

        // Nothing else runs between the check and Arm, except that any thread may stop the run.
        private async ValueTask EnterWhenReadyAsync()
        {
            await owner.gate.EnterAsync();
            while (!inlet.IsReady)
            {
                waiter.Arm();
                owner.gate.Exit();
                if (run.IsStopping) waiter.Wake();               // the stop's wake-up may have come before Arm
                await waiter.WaitAsync();
                run.ThrowIfStopping();
                await owner.gate.EnterAsync();
            }
        }
    }

    private PipelineRun Run => run;
}
