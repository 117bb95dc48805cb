using Framelease.Domain;
using Framelease.Domain.Devices;
using Framelease.Operator.Leases;
using Framelease.Operator.Ledger;

namespace Framelease.Operator.Pools;

/// <summary>
/// What an authorised person may order of a device: to take it back into service, on their word that it is fit. Recorded with who ordered
/// it and why; whoever calls has checked the right to do so. Runs on every replica.
/// </summary>
sealed class DeviceOrders(ILedger ledger)
{
    const int MaxTries = 8;

    /// <summary>
    /// A device that its node still calls unfit is degraded again at the next look: the node's word must end first.
    /// </summary>
    /// <returns>The device's health before.</returns>
    /// <exception cref="DeviceOrderException">It cannot be done; says why.</exception>
    public async Task<DeviceHealth> ReturnAsync(string node, string device, string actor, string reason, CancellationToken cancel)
    {
        if (string.IsNullOrWhiteSpace(reason) || reason.Length > LeaseOrders.LongestReason)
            throw new DeviceOrderException(
                "ReasonInvalid", $"reason: 1 to {LeaseOrders.LongestReason} characters that say why, for the history");
        for (var tries = 1; ; tries++)
        {
            var loaded = await ledger.LoadDeviceAsync(node, device, cancel);
            if (loaded.Version == 0 && await ledger.FindSlotAsync(node, device, 0, cancel) is null)
                throw new DeviceOrderException("NotFound", $"there is no device {device} on node {node}; GET /api/v1/devices lists them");
            switch (DeviceHealthDecider.Decide(loaded.State, new DeviceCommand.ReturnByPerson(actor, reason)))
            {
                case Decision<IDeviceEvent>.Refused no:
                    throw new DeviceOrderException(no.Reason, no.Message);
                case Decision<IDeviceEvent>.Events yes:
                    try
                    {
                        await ledger.CommitAsync(
                            new LedgerCommit(actor, [], []) { Devices = [new DeviceChange(loaded, yes.Items)] }, cancel);
                        return loaded.State;
                    }
                    catch (LedgerConflictException) when (tries < MaxTries)
                    {
                        // Somebody else changed it first: what they wrote decides now.
                    }

                    break;
            }
        }
    }
}

/// <summary>A person's order that cannot be carried out.</summary>
/// <param name="reason">NotFound, ReasonInvalid or NotDegraded.</param>
sealed class DeviceOrderException(string reason, string message) : Exception(message)
{
    public string Reason => reason;
}
